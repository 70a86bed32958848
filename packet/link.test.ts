/** Captured link types: where the IP packet begins in each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes } from './arbitraries.ts';
import { tcp } from './build.ts';
import { concat, fromHex } from './bytes.ts';
import {
  LINK_COOKED,
  LINK_COOKED2,
  LINK_ETHERNET,
  LINK_IPV4,
  LINK_RAW,
  parseCaptured,
  type LinkHeader,
} from './link.ts';

const FRAME = tcp({ from: '10.0.88.100:21521', to: '10.0.23.111:18056', flags: 'S' });
const PACKET = FRAME.slice(14);
const NONE = new Uint8Array(0);

const CAPTURES = [
  { what: 'Ethernet', type: LINK_ETHERNET, head: FRAME.slice(0, 14), is: 'tcp ethernet 14' },
  { what: 'raw IP', type: LINK_RAW, head: NONE, is: 'tcp raw 0' },
  { what: 'raw IP of a BSD', type: 12, head: NONE, is: 'tcp raw 0' },
  { what: 'raw IPv4', type: LINK_IPV4, head: NONE, is: 'tcp raw 0' },
  { what: 'raw IPv6', type: LINK_RAW, head: fromHex('60'), is: 'not-ipv4 raw 0' },
  { what: 'raw, neither', type: LINK_RAW, head: fromHex('00'), is: 'bad-version at 0' },
  {
    what: 'cooked, received',
    type: LINK_COOKED,
    head: fromHex('0000 0001 0006 02000a005864 0000 0800'),
    is: 'tcp cooked 16 to-us undefined',
  },
  {
    what: 'cooked, sent, tagged',
    type: LINK_COOKED,
    head: fromHex('0004 0001 0006 02000a005864 0000 8100 0005 0800'),
    is: 'tcp cooked 20 from-us undefined',
  },
  {
    what: 'cooked, of another type',
    type: LINK_COOKED,
    head: fromHex('0009 0001 0006 02000a005864 0000 86dd'),
    is: 'not-ipv4 cooked 16 unknown undefined',
  },
  {
    what: 'cooked version 2',
    type: LINK_COOKED2,
    head: fromHex('0800 0000 00000007 0001 03 06 02000a005864 0000'),
    is: 'tcp cooked 20 to-other 7',
  },
  { what: 'a BSD loopback', type: 0, head: fromHex('02000000'), is: 'tcp loopback 4' },
  { what: 'one of a big-endian BSD', type: 0, head: fromHex('00000002'), is: 'tcp loopback 4' },
  {
    what: 'OpenBSD loopback, IPv6',
    type: 108,
    head: fromHex('00000018'),
    is: 'not-ipv4 loopback 4',
  },
  { what: 'loopback, of another family', type: 0, head: fromHex('07000000'), is: 'bad-type at 0' },
  { what: 'a link type of something else', type: 105, head: NONE, is: 'bad-type at 0' },
];

for (const { what, type, head, is } of CAPTURES) {
  test(`captured ${what}: ${is}`, () => {
    const result = parseCaptured(concat(head, PACKET), type);
    if (!result.ok) return assert.equal(`${result.reason} at ${result.at}`, is);
    assert.equal(`${result.value.kind} ${describe(result.value.link)}`, is);
  });
}

test('a cut capture counts from the beginning of the link-layer header', () => {
  const bytes = FRAME.slice(0, 54 - 4);
  assert.deepEqual(parseCaptured(bytes, LINK_ETHERNET), { ok: false, reason: 'truncated', at: 50 });
  const longer = tcp({ from: '10.0.88.100:1', to: '10.0.23.111:2', flags: 'A', payload: 'hello' });
  const result = parseCaptured(longer.slice(0, 56), LINK_ETHERNET, longer.length);
  assert.ok(result.ok && result.value.kind === 'tcp');
  assert.equal(result.value.missingBytes, 3);
});

test('any bytes under any link type are answered with a value', () => {
  const type = fc.constantFrom(
    LINK_ETHERNET,
    LINK_RAW,
    LINK_IPV4,
    LINK_COOKED,
    LINK_COOKED2,
    12,
    0,
  );
  fc.assert(
    fc.property(type, anyBytes(0, 80), fc.nat(100), (linkType, bytes, more) => {
      parseCaptured(bytes, linkType, bytes.length + more);
    }),
  );
});

function describe(link: LinkHeader): string {
  const text = `${link.kind} ${link.headerBytes}`;
  return link.kind === 'cooked' ? `${text} ${link.direction} ${link.interfaceIndex}` : text;
}
