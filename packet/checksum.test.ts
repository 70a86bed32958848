/** The Internet checksum against the examples of its RFCs, and against itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyIpv4Address, anyUnsigned } from './arbitraries.ts';
import { concat, fromHex, viewOf } from './bytes.ts';
import {
  foldSum,
  internetChecksum,
  sumWords,
  transportChecksum,
  updateChecksum,
  updateChecksum32,
} from './checksum.ts';

const KNOWN = [
  { what: 'the example of RFC 1071 section 3', bytes: '0001 f203 f4f5 f6f7', is: 0x220d },
  { what: 'an odd byte counts as a high one', bytes: '01', is: 0xfeff },
  { what: 'nothing', bytes: '', is: 0xffff },
  {
    what: 'an IPv4 header with its checksum blanked',
    bytes: '4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7',
    is: 0xb861,
  },
  {
    what: 'an IPv4 header that contains its checksum',
    bytes: '4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7',
    is: 0,
  },
];

for (const { what, bytes, is } of KNOWN) {
  test(`checksum: ${what}`, () => assert.equal(internetChecksum(fromHex(bytes)), is));
}

test('the example of RFC 1624 section 4, where RFC 1141 gave the other zero', () => {
  assert.equal(updateChecksum(0xdd2f, 0x5555, 0x3285), 0x0000);
});

test('65,535 bytes of ones do not overflow', () => {
  const bytes = new Uint8Array(65_535).fill(0xff);
  assert.equal(foldSum(sumWords(bytes)), 0xff00);
});

test('updating a word gives what summing again gives', () => {
  // A sum of all-zero bytes is the one case in which both zeros are possible: the first word prevents it.
  fc.assert(
    fc.property(anyBytes(6, 60), anyUnsigned(32), anyUnsigned(16), (rest, long, word) => {
      const bytes = concat(Uint8Array.of(1, 0), rest);
      const view = viewOf(bytes);
      const before = internetChecksum(bytes);
      const afterWord = updateChecksum(before, view.getUint16(2), word);
      view.setUint16(2, word);
      assert.equal(afterWord, internetChecksum(bytes));
      const afterLong = updateChecksum32(afterWord, view.getUint32(4), long);
      view.setUint32(4, long);
      assert.equal(afterLong, internetChecksum(bytes));
    }),
  );
});

test('a segment that contains its checksum sums up to zero, whatever the addresses', () => {
  fc.assert(
    fc.property(
      anyBytes(20, 80),
      anyIpv4Address(),
      anyIpv4Address(),
      (segment, source, destination) => {
        const pseudo = { source, destination, protocol: 6, lengthBytes: segment.length };
        viewOf(segment).setUint16(16, 0);
        viewOf(segment).setUint16(16, transportChecksum(segment, pseudo));
        assert.equal(transportChecksum(segment, pseudo), 0);
        viewOf(segment).setUint16(16, viewOf(segment).getUint16(16) ^ 1);
        assert.ok(transportChecksum(segment, pseudo) !== 0);
      },
    ),
  );
});
