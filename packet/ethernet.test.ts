/** Ethernet headers with and without VLAN tags. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyUnsigned, record } from './arbitraries.ts';
import { concat, fromHex, toHex } from './bytes.ts';
import {
  encodeEthernet,
  ETHERTYPE_IPV4,
  ETHERTYPE_SERVICE_VLAN,
  ETHERTYPE_VLAN,
  macAddress,
  macAddressBytes,
  macAddressFromBytes,
  parseEthernet,
  vlanId,
} from './ethernet.ts';

const ADDRESSES = '02000a001701 02000a005864';

const HEADERS = [
  { what: 'plain', bytes: `${ADDRESSES} 0800`, is: 'type 0800 vlans  bytes 14' },
  { what: 'one tag', bytes: `${ADDRESSES} 8100 2005 0800`, is: 'type 0800 vlans 5 bytes 18' },
  {
    what: 'two tags',
    bytes: `${ADDRESSES} 88a8 0007 8100 0fff 86dd`,
    is: 'type 86dd vlans 7,4095 bytes 22',
  },
  { what: 'nothing', bytes: '', is: 'truncated at 0' },
  { what: 'a byte too few', bytes: `${ADDRESSES} 08`, is: 'truncated at 13' },
  { what: 'a tag without what follows', bytes: `${ADDRESSES} 8100 2005`, is: 'truncated at 16' },
];

for (const { what, bytes, is } of HEADERS) {
  test(`Ethernet, ${what}: ${is}`, () => {
    const result = parseEthernet(fromHex(bytes));
    if (!result.ok) return assert.equal(`${result.reason} at ${result.at}`, is);
    const { etherType, tags, headerBytes, source, destination } = result.value;
    const type = etherType.toString(16).padStart(4, '0');
    assert.equal(`type ${type} vlans ${tags.map(vlanId).join()} bytes ${headerBytes}`, is);
    assert.equal(destination, macAddress('02:00:0a:00:17:01'));
    assert.equal(source, macAddress('02:00:0a:00:58:64'));
    assert.equal(toHex(encodeEthernet(result.value)), bytes.replaceAll(' ', ''));
  });
}

test('a link-layer address is read in any case and written in lower case', () => {
  assert.equal<string>(macAddress('02:00:0A:00:58:64'), '02:00:0a:00:58:64');
  assert.throws(() => macAddress('02-00-0a-00-58-64'), /is not a link-layer address like/);
  assert.throws(() => macAddress('02:00:0a:00:58'), { name: 'RangeError' });
});

test('every header is read back, at any place', () => {
  const mac = anyBytes(6, 6).map(macAddressFromBytes);
  const tag = record({
    etherType: fc.constantFrom(ETHERTYPE_VLAN, ETHERTYPE_SERVICE_VLAN),
    control: anyUnsigned(16),
  });
  const header = record({
    source: mac,
    destination: mac,
    tags: fc.array(tag, { maxLength: 3 }),
    etherType: fc.constantFrom(ETHERTYPE_IPV4, 0x86dd, 0x88cc),
  });
  fc.assert(
    fc.property(header, anyBytes(0, 8), (given, before) => {
      const headerBytes = 14 + 4 * given.tags.length;
      const result = parseEthernet(concat(before, encodeEthernet(given)), before.length);
      assert.deepEqual(result, { ok: true, value: { kind: 'ethernet', ...given, headerBytes } });
    }),
  );
});

test('bytes and text of a link-layer address are the same thing', () => {
  fc.assert(
    fc.property(anyBytes(6, 6), (bytes) =>
      assert.deepEqual(macAddressBytes(macAddressFromBytes(bytes)), bytes),
    ),
  );
});
