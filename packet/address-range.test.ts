/** Blocks and ranges as people write them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIpv4Address, ipv4Address } from './address.ts';
import {
  addressesOf,
  addressRange,
  cidr,
  cidrContains,
  cidrRange,
  formatAddressRange,
  formatCidr,
  formatPortRange,
  parseAddressRange,
  parseCidr,
  parsePortRange,
  rangeCidrs,
  rangeContains,
  rangeSize,
  rangesOverlap,
} from './address-range.ts';
import { anyIpv4Address } from './arbitraries.ts';

const BLOCKS = [
  { text: '10.0.124.160/28', is: '10.0.124.160/28' },
  { text: '0.0.0.0/0', is: '0.0.0.0/0' },
  { text: '10.0.0.1/32', is: '10.0.0.1/32' },
  { text: '10.0.124.161/28', is: 'host-bits' },
  { text: '10.0.0.0/33', is: 'out-of-range' },
  { text: '10.0.0.0/', is: 'malformed' },
  { text: '10.0.0.0/-1', is: 'malformed' },
  { text: '10.0.0.0/8/8', is: 'malformed' },
  { text: '10.0.0.0', is: 'malformed' },
  { text: '10.0.0/8', is: 'malformed' },
  { text: '2001:db8::/32', is: 'ipv6' },
];

for (const { text, is } of BLOCKS) {
  test(`block '${text}' is ${is}`, () => {
    const result = parseCidr(text);
    assert.equal(result.ok ? formatCidr(result.value) : result.reason, is);
  });
}

test('bits beyond the prefix are answered with the block that was meant', () => {
  const result = parseCidr('10.0.124.161/28');
  assert.ok(!result.ok && result.message.endsWith('the block is 10.0.124.160/28'));
});

const RANGES = [
  { text: '10.0.124.160', is: '10.0.124.160', size: 1 },
  { text: '10.0.124.160/28', is: '10.0.124.160-10.0.124.175', size: 16 },
  { text: '10.0.124.160-10.0.124.161', is: '10.0.124.160-10.0.124.161', size: 2 },
  { text: '10.0.124.160 - 10.0.124.161', is: '10.0.124.160-10.0.124.161', size: 2 },
  { text: '0.0.0.0/0', is: '0.0.0.0-255.255.255.255', size: 2 ** 32 },
  { text: '10.0.124.161-10.0.124.160', is: 'out-of-range', size: 0 },
  { text: '10.0.0.1-10.0.0.2-10.0.0.3', is: 'malformed', size: 0 },
  { text: '10.0.0.1-', is: 'malformed', size: 0 },
  { text: '10.0.0.1-2', is: 'malformed', size: 0 },
  { text: '2001:db8::1', is: 'ipv6', size: 0 },
];

for (const { text, is, size } of RANGES) {
  test(`addresses '${text}' are ${is}`, () => {
    const result = parseAddressRange(text);
    assert.equal(result.ok ? formatAddressRange(result.value) : result.reason, is);
    assert.equal(result.ok ? rangeSize(result.value) : 0, size);
  });
}

const PORT_RANGES = [
  { text: '1024-65535', is: '1024-65535' },
  { text: '80', is: '80' },
  { text: '80-80', is: '80' },
  { text: '65535-1024', is: 'out-of-range' },
  { text: '0-65536', is: 'out-of-range' },
  { text: '1-2-3', is: 'malformed' },
  { text: '-5', is: 'malformed' },
];

for (const { text, is } of PORT_RANGES) {
  test(`ports '${text}' are ${is}`, () => {
    const result = parsePortRange(text);
    assert.equal(result.ok ? formatPortRange(result.value) : result.reason, is);
  });
}

test('a range is walked in order, both ends included', () => {
  const walked = [...addressesOf(addressRange('10.0.0.254-10.0.1.1'))].map(formatIpv4Address);
  assert.deepEqual(walked, ['10.0.0.254', '10.0.0.255', '10.0.1.0', '10.0.1.1']);
});

test('overlap is symmetric and needs one common address', () => {
  const [a, b, c] = [
    addressRange('10.0.0.0/24'),
    addressRange('10.0.0.255-10.0.1.5'),
    addressRange('10.0.1.0/24'),
  ];
  assert.deepEqual([rangesOverlap(a, b), rangesOverlap(b, a)], [true, true]);
  assert.deepEqual([rangesOverlap(a, c), rangesOverlap(c, a)], [false, false]);
});

test('a range is cut into the fewest blocks', () => {
  const blocks = rangeCidrs(addressRange('10.0.0.1-10.0.0.6')).map(formatCidr);
  assert.deepEqual(blocks, ['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.6/32']);
  assert.deepEqual(rangeCidrs(addressRange('0.0.0.0/0')).map(formatCidr), ['0.0.0.0/0']);
});

test('the blocks of any range follow each other from its first to its last address', () => {
  fc.assert(
    fc.property(anyIpv4Address(), anyIpv4Address(), (a, b) => {
      const range = { first: a < b ? a : b, last: a < b ? b : a };
      let next: number = range.first;
      for (const block of rangeCidrs(range)) {
        assert.deepEqual(parseCidr(formatCidr(block)), { ok: true, value: block });
        assert.equal<number>(cidrRange(block).first, next);
        next = cidrRange(block).last + 1;
      }
      assert.equal(next, range.last + 1);
    }),
  );
});

test('a block contains what its range contains', () => {
  const prefix = fc.integer({ min: 0, max: 32 });
  fc.assert(
    fc.property(anyIpv4Address(), prefix, anyIpv4Address(), (inside, prefixBits, other) => {
      const range = cidrRange({ network: inside, prefixBits: 32 });
      assert.equal(rangeContains(range, inside), true);
      const size = 2 ** (32 - prefixBits);
      const block = { network: ipv4Address(inside - (inside % size)), prefixBits };
      assert.equal(cidrContains(block, inside), true);
      assert.equal(cidrContains(block, other), rangeContains(cidrRange(block), other));
    }),
  );
});

test('no bit of an address is lost to signed arithmetic', () => {
  assert.equal(cidrContains(cidr('192.0.0.0/2'), ipv4Address('255.255.255.255')), true);
  assert.equal(cidrContains(cidr('128.0.0.0/1'), ipv4Address('127.255.255.255')), false);
});
