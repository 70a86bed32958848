/** Both families in one space: text, bytes, ranges, and the blocks a range is made of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  asAddressRange,
  formatIpAddress,
  formatIpEndpoint,
  formatIpRange,
  ipAddressBytes,
  ipAddressFromBytes,
  ipBlocks,
  ipEndpoint,
  ipRange,
  parseIpEndpoint,
  parseIpRange,
  type IpAddress,
} from './ip.ts';

const LAST = 2n ** 128n - 1n;
const anyAddress = fc.bigInt({ min: 0n, max: LAST }).map((value) => value as IpAddress);

test('what is written is what was read', () => {
  for (const text of [
    '10.0.124.161',
    '2001:db8::1',
    '10.0.0.1-10.0.0.9',
    '2001:db8::1-2001:db8::9',
  ])
    assert.equal(formatIpRange(ipRange(text)), text);
  assert.equal(formatIpRange(ipRange('2001:db8:124::/126')), '2001:db8:124::-2001:db8:124::3');
  assert.equal(formatIpRange(ipRange('::ffff:10.0.0.1')), '10.0.0.1');
  for (const text of ['10.0.98.79:8056', '[2001:db8::79]:8056'])
    assert.equal(formatIpEndpoint(ipEndpoint(text)), text);
});

test('IPv4 is a part of it', () => {
  assert.deepEqual(ipBlocks(ipRange('10.0.124.160/28')), [
    { network: ipRange('10.0.124.160').first, prefixBits: 124 },
  ]);
  assert.equal(asAddressRange(ipRange('2001:db8::/64')), undefined);
  assert.equal(asAddressRange(ipRange('10.0.124.160/28'))?.last, 0x0a00_7caf);
});

test('what cannot be meant is refused, with a reason', () => {
  const rows = [
    ['2001:db8::1/64', 'host-bits', /the block is 2001:db8::\/64/],
    ['2001:db8::/129', 'malformed', /0\.\.128/],
    ['2001:db8::9-2001:db8::1', 'out-of-range', /lower one first/],
    ['2001:db8::g', 'malformed', /not an IPv6 address/],
    ['10.0.0.300', 'out-of-range', /above 255/],
    ['2001:db8::1-2001:db8::2-2001:db8::3', 'malformed', /more than one/],
  ] as const;
  for (const [text, reason, message] of rows) {
    const read = parseIpRange(text);
    assert.ok(!read.ok, text);
    assert.equal(read.reason, reason);
    assert.ok(message.test(read.message), read.message);
  }
  for (const text of ['2001:db8::1', '[2001:db8::1]', '[2001:db8::1]:99999', '[10.0.0.1]:80'])
    assert.ok(!parseIpEndpoint(text).ok, text);
});

test('bytes and text keep every address', () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      assert.equal(ipAddressFromBytes(ipAddressBytes(address)), address);
      assert.equal(ipRange(formatIpAddress(address)).first, address);
    }),
  );
});

test('blocks are the range, in order, aligned and without gaps', () => {
  const near = fc.tuple(anyAddress, fc.bigInt({ min: 0n, max: 2n ** 80n }));
  fc.assert(
    fc.property(near, ([first, more]) => {
      const last = (first + more > LAST ? LAST : first + more) as IpAddress;
      let at: bigint = first;
      for (const { network, prefixBits } of ipBlocks({ first, last })) {
        const size = 1n << BigInt(128 - prefixBits);
        assert.equal(network, at);
        assert.equal(network % size, 0n);
        at += size;
      }
      assert.equal(at, last + 1n);
    }),
  );
});
