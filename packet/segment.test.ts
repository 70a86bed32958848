/** The TCP segment is found behind every link type, in both families, and in what a capture kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyTcpPacketFields } from './arbitraries.ts';
import { tcp } from './build.ts';
import { concat, fromHex, toHex, viewOf } from './bytes.ts';
import { parseIpv6 } from './ipv6.ts';
import { LINK_COOKED, LINK_ETHERNET, LINK_IPV6, LINK_NULL, LINK_RAW } from './link.ts';
import { parseFrame } from './parse.ts';
import { emptyPlace, locateSegment, segmentFlags, segmentOptions } from './segment.ts';
import { mss, toa } from './tcp-options.ts';

const SYN = tcp({
  from: '10.0.88.100:21521',
  to: '10.0.23.111:18056',
  flags: 'S',
  options: [mss(1460), toa('10.0.88.100:21521')],
});
const TAGS = [
  { etherType: 0x88a8, control: 7 },
  { etherType: 0x8100, control: 5 },
];
const SEGMENT = SYN.slice(34);
const ADDRESSES = fromHex(
  '20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002',
);
const IPV6 = concat(fromHex('60000000 0020 06 40'), ADDRESSES, SEGMENT);
const OPTIONS6 = concat(
  fromHex('60000000 0030 00 40'),
  ADDRESSES,
  fromHex('3c00000000000000 0600000000000000'),
  SEGMENT,
);
const LATER6 = concat(
  fromHex('60000000 0028 2c 40'),
  ADDRESSES,
  fromHex('0600000900000001'),
  SEGMENT,
);

const ROWS = [
  { what: 'Ethernet', link: LINK_ETHERNET, bytes: SYN, tcpAt: 34 },
  {
    what: 'QinQ',
    link: LINK_ETHERNET,
    bytes: tcp({
      from: '10.0.88.100:1',
      to: '10.0.23.111:2',
      flags: 'S',
      ethernet: { tags: TAGS },
    }),
    tcpAt: 42,
  },
  { what: 'raw', link: LINK_RAW, bytes: SYN.slice(14), tcpAt: 20 },
  { what: 'null', link: LINK_NULL, bytes: concat(fromHex('02000000'), SYN.slice(14)), tcpAt: 24 },
  {
    what: 'cooked',
    link: LINK_COOKED,
    bytes: concat(fromHex('0000 0001 0006 02000a005864 0000 0800'), SYN.slice(14)),
    tcpAt: 36,
  },
  { what: 'IPv6', link: LINK_IPV6, bytes: IPV6, tcpAt: 40 },
  { what: 'IPv6 with two extension headers', link: LINK_RAW, bytes: OPTIONS6, tcpAt: 56 },
  { what: 'a later fragment of IPv6', link: LINK_RAW, bytes: LATER6, tcpAt: undefined },
  { what: 'options cut', link: LINK_ETHERNET, bytes: SYN.slice(0, 56), tcpAt: 34 },
  { what: 'flags cut', link: LINK_ETHERNET, bytes: SYN.slice(0, 47), tcpAt: undefined },
];

for (const { what, link, bytes, tcpAt } of ROWS) {
  test(`${what}: ${tcpAt === undefined ? 'no segment' : `segment at ${tcpAt}`}`, () => {
    const place = emptyPlace();
    const onWireBytes = Math.max(bytes.length, what.endsWith('cut') ? SYN.length : 0);
    const packet = { at: 0, capturedBytes: bytes.length, onWireBytes };
    const found = locateSegment(viewOf(bytes), bytes, packet, link, place);
    assert.equal(found ? place.tcpAt : undefined, tcpAt);
    if (found) assert.equal(segmentFlags(viewOf(bytes), place), 2);
  });
}

test('of options cut by the capture, what is there', () => {
  const place = emptyPlace();
  const bytes = SYN.slice(0, 58);
  const packet = { at: 0, capturedBytes: 58, onWireBytes: SYN.length };
  assert.ok(locateSegment(viewOf(bytes), bytes, packet, LINK_ETHERNET, place));
  assert.equal(toHex(segmentOptions(bytes, place)), '020405b4');
});

test('IPv6 addresses and the length of all headers', () => {
  const header = parseIpv6(OPTIONS6);
  assert.ok(header.ok);
  const { source, destination, headerBytes, protocol } = header.value;
  assert.equal(
    `${source} ${destination} ${headerBytes} ${protocol}`,
    '2001:db8::1 2001:db8::2 56 6',
  );
});

test('it finds what the full parser finds', () => {
  fc.assert(
    fc.property(anyTcpPacketFields(), (fields) => {
      const frame = tcp(fields);
      const place = emptyPlace();
      const packet = { at: 0, capturedBytes: frame.length, onWireBytes: frame.length };
      assert.ok(locateSegment(viewOf(frame), frame, packet, LINK_ETHERNET, place));
      const whole = parseFrame(frame);
      assert.ok(whole.ok && whole.value.kind === 'tcp');
      assert.equal(place.payloadBytes, whole.value.payload.length);
      assert.equal(toHex(frame.slice(place.payloadAt, place.end)), toHex(whole.value.payload));
    }),
  );
});

test('no bytes make it throw or leave the packet', () => {
  fc.assert(
    fc.property(anyBytes(0, 100), fc.constantFrom(0, 1, 101, 113, 276), (bytes, link) => {
      const place = emptyPlace();
      const whole = concat(SYN.slice(0, 20), bytes, SYN);
      const packet = { at: 20, capturedBytes: bytes.length, onWireBytes: bytes.length };
      if (locateSegment(viewOf(whole), whole, packet, link, place))
        assert.ok(place.tcpAt >= 20 && place.end <= 20 + bytes.length);
    }),
    { numRuns: 2000 },
  );
});
