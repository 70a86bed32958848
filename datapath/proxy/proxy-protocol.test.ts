/** The bytes are those of the specification, section 2.2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../../packet/address.ts';
import { proxyHeader } from './proxy-protocol.ts';

const SIGNATURE_AND_KIND = '0d0a0d0a000d0a515549540a 21 11 000c';

const rows = [
  {
    name: "the report's client",
    client: '10.0.88.100:21521',
    listener: '10.0.23.111:18056',
    bytes: `${SIGNATURE_AND_KIND} 0a005864 0a00176f 5411 4688`,
  },
  {
    name: 'the highest of everything',
    client: '255.255.255.255:65535',
    listener: '0.0.0.0:0',
    bytes: `${SIGNATURE_AND_KIND} ffffffff 00000000 ffff 0000`,
  },
];

for (const { name, client, listener, bytes } of rows)
  test(name, () =>
    assert.equal(
      proxyHeader(endpoint(client), endpoint(listener)).toString('hex'),
      bytes.replaceAll(' ', ''),
    ),
  );
