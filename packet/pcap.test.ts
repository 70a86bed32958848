/** Capture files: written, read in any pieces, and damaged in every way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyUnsigned, record } from './arbitraries.ts';
import { concat, fromHex, toHex, viewOf } from './bytes.ts';
import { LINK_COOKED2, LINK_ETHERNET, LINK_RAW } from './link.ts';
import {
  capturedFrame,
  PcapReader,
  readPcap,
  writePcap,
  type CapturedFrame,
  type PcapHeader,
} from './pcap.ts';
import { nanoseconds } from './unit.ts';

const FRAMES = [
  capturedFrame(fromHex('aabbcc'), nanoseconds(1_385_152_296_436_453_000n)),
  capturedFrame(fromHex('dd'), nanoseconds(1_385_152_296_436_454_000n)),
];
/** 24 bytes of file header, records at 24 (16 + 3 bytes) and 43 (16 + 1). */
const FILE = writePcap(FRAMES);

test('a file as libpcap describes it, microseconds, big-endian', () => {
  const file = writePcap(FRAMES.slice(0, 1), {
    precision: 'micro',
    byteOrder: 'big',
    linkType: LINK_RAW,
  });
  const expected = concat(
    fromHex('a1b2c3d4 0002 0004 00000000 00000000 00040000 00000065'),
    fromHex('528fbf28 0006a8e5 00000003 00000003 aabbcc'),
  );
  assert.equal(toHex(file), toHex(expected));
});

test('a file as libpcap describes it, nanoseconds, little-endian', () => {
  const expected = concat(
    fromHex('4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000'),
    fromHex('28bf8f52 88be031a 03000000 03000000 aabbcc'),
    fromHex('28bf8f52 70c2031a 01000000 01000000 dd'),
  );
  assert.equal(toHex(FILE), toHex(expected));
});

const DAMAGED = [
  { what: 'no damage', file: FILE, is: '2 frames' },
  { what: 'no packets', file: FILE.slice(0, 24), is: '0 frames' },
  { what: 'an empty file', file: FILE.slice(0, 0), is: '0 frames, truncated at 0' },
  { what: 'a magic number cut', file: FILE.slice(0, 3), is: '0 frames, truncated at 3' },
  { what: 'a file header cut', file: FILE.slice(0, 23), is: '0 frames, truncated at 23' },
  { what: 'a record header cut', file: FILE.slice(0, 50), is: '1 frames, truncated at 50' },
  { what: 'a record cut', file: FILE.slice(0, -1), is: '1 frames, truncated at 59' },
  { what: 'another magic number', file: changed(0, 0x7f), is: '0 frames, bad-magic at 0' },
  { what: 'a text', file: fromHex('68656c6c'), is: '0 frames, bad-magic at 0' },
  { what: 'version 3', file: changed(4, 3), is: '0 frames, bad-version at 4' },
  { what: 'a first record of 16 MiB', file: changed(35, 1), is: '0 frames, bad-length at 32' },
  { what: 'a second record of 4 GiB', file: changed(54, 0xff), is: '1 frames, bad-length at 51' },
];

for (const { what, file, is } of DAMAGED) {
  test(`pcap, ${what}: ${is}`, () => {
    const { frames, damage } = readPcap(file);
    const where = damage ? `, ${damage.reason} at ${damage.at}` : '';
    assert.equal(`${frames.length} frames${where}`, is);
    assert.deepEqual(frames, FRAMES.slice(0, frames.length));
  });
}

test('damage is told in a sentence', () => {
  assert.equal(
    readPcap(FILE.slice(0, -1)).damage?.message,
    'the file ends in the middle of a record (at byte 59; packets kept: 1)',
  );
  assert.equal(
    readPcap(fromHex('0a0d0d0a 1c000000')).damage?.message,
    'this is a pcapng file; convert it with: editcap -F pcap FILE FILE.pcap (at byte 0; packets kept: 0)',
  );
});

test('after damage nothing more is read', () => {
  const reader = new PcapReader();
  assert.equal(reader.push(changed(54, 0xff)).length, 1);
  assert.deepEqual(reader.push(FILE.slice(24)), []);
  assert.equal(reader.end()?.reason, 'bad-length');
});

test('the high half of the link type field is not part of it', () => {
  assert.equal(readPcap(changed(23, 0x24)).header?.linkType, LINK_ETHERNET);
});

test('a frame longer than the snapshot length is cut, and its length on the wire kept', () => {
  const { frames } = readPcap(writePcap(FRAMES, { snapBytes: 2 }));
  assert.deepEqual(
    frames.map(({ bytes, onWireBytes }) => [bytes.length, onWireBytes]),
    [
      [2, 3],
      [1, 1],
    ],
  );
});

test('a time that the format cannot hold is refused', () => {
  const late = capturedFrame(fromHex(''), nanoseconds(2n ** 32n * 1_000_000_000n));
  assert.throws(() => writePcap([late]), /times from 1970 to 2106/);
  const early = capturedFrame(fromHex(''), nanoseconds(-1n));
  assert.throws(() => writePcap([early]), { name: 'RangeError' });
});

const anyHeader = record<PcapHeader>({
  linkType: fc.constantFrom(LINK_ETHERNET, LINK_RAW, LINK_COOKED2),
  snapBytes: fc.constant(262_144),
  precision: fc.constantFrom('micro', 'nano'),
  byteOrder: fc.constantFrom('little', 'big'),
});

/** Whole microseconds, which both precisions hold. */
const anyFrame = fc
  .tuple(anyUnsigned(32), fc.integer({ min: 0, max: 999_999 }), anyBytes(0, 40), fc.nat(2000))
  .map(([second, micros, bytes, more]): CapturedFrame => {
    const time = nanoseconds(BigInt(second) * 1_000_000_000n + BigInt(micros) * 1000n);
    return { time, bytes, onWireBytes: bytes.length + more };
  });

test('what was written is read back, in pieces of any size', () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });
  fc.assert(
    fc.property(anyHeader, fc.array(anyFrame), pieces, (header, frames, sizes) => {
      const file = writePcap(frames, header);
      const reader = new PcapReader();
      const read: CapturedFrame[] = [];
      for (let at = 0, turn = 0; at < file.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        read.push(...reader.push(file.slice(at, at + size)));
        at += size;
      }
      assert.equal(reader.end(), undefined);
      assert.deepEqual(reader.header, header);
      assert.deepEqual(read, frames);
    }),
  );
});

test('a file cut anywhere keeps every whole record', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { minLength: 1 }), fc.nat(), (frames, cut) => {
      const file = writePcap(frames);
      const length = cut % file.length;
      const { frames: kept, damage } = readPcap(file.slice(0, length));
      const whole = writePcap(kept).length;
      assert.deepEqual(kept, frames.slice(0, kept.length));
      assert.ok(length < 24 || (whole <= length && whole === 24 + recordBytes(kept)));
      assert.equal(damage?.at ?? whole, length);
      const next = frames[kept.length];
      assert.ok(next && (length < 24 || length < whole + 16 + next.bytes.length));
    }),
  );
});

test('no bytes make the reader throw', () => {
  const change = record({ at: fc.nat(FILE.length - 1), to: fc.nat(255) });
  fc.assert(fc.property(anyBytes(0, 80), (bytes) => void readPcap(bytes)));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      const file = FILE.slice();
      for (const { at, to } of changes) file[at] = to;
      readPcap(file);
    }),
    { numRuns: 1000 },
  );
});

function changed(at: number, to: number): Uint8Array {
  const file = FILE.slice();
  viewOf(file).setUint8(at, to);
  return file;
}

function recordBytes(frames: readonly CapturedFrame[]): number {
  return frames.reduce((sum, { bytes }) => sum + 16 + bytes.length, 0);
}
