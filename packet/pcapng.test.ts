/** pcapng: written, read in any pieces, and damaged in every way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyBytes, anyUnsigned, record } from './arbitraries.ts';
import { concat, fromHex, toHex, utf8Bytes, utf8Text, viewOf } from './bytes.ts';
import { CaptureReader } from './capture-file.ts';
import { LINK_ETHERNET, LINK_RAW } from './link.ts';
import { writePcap } from './pcap.ts';
import {
  pcapngInterface,
  pcapngPacket,
  pcapngSection,
  writePcapng,
  type PcapngInterface,
  type PcapngPacket,
  type PcapngSection,
} from './pcapng-write.ts';
import { recordBytes, recordTime, type CaptureInterface } from './record.ts';
import { nanoseconds } from './unit.ts';

const ETH0: PcapngInterface = {
  linkType: LINK_ETHERNET,
  snapBytes: 262_144,
  name: 'eth0',
  filter: 'tcp[13] & 2 == 2',
  droppedPackets: 7,
  resolution: 9,
};
const PACKETS: PcapngPacket[] = [
  packet('aabbcc', 1_385_152_296_436_453_001n, 'the first'),
  packet('dd', 1_385_152_296_999_999_999n),
  packet('eeff', 1_385_152_297_000_000_000n),
];
const FILE = writePcapng([{ byteOrder: 'little', interfaces: [ETH0], packets: PACKETS }]);
const FIRST_AT = pcapngSection().length + pcapngInterface(ETH0).length;
const FIRST_BYTES = pcapngPacket(PACKETS[0] ?? packet('', 0n), [ETH0]).length;

test('a packet block as the draft describes it', () => {
  const block = pcapngPacket(packet('aabbcc', 5n), [ETH0], 'big');
  const expected = fromHex(
    '00000006 00000024 00000000 00000000 00000005 00000003 00000003 aabbcc00 00000024',
  );
  assert.equal(toHex(block), toHex(expected));
});

test('names, filters, drops and comments are read', () => {
  const { interfaces, packets, damages } = read(FILE);
  assert.deepEqual(interfaces, [asRead(ETH0)]);
  assert.deepEqual(packets, PACKETS);
  assert.deepEqual(damages, []);
});

const DAMAGED = [
  { what: 'an empty file', file: FILE.slice(0, 0), is: '0 kept, truncated at 0' },
  { what: 'a section cut', file: FILE.slice(0, 20), is: '0 kept, truncated at 20' },
  { what: 'a text', file: utf8Bytes('hello, world'), is: '0 kept, bad-magic at 0' },
  {
    what: 'a packet cut',
    file: FILE.slice(0, FIRST_AT + 30),
    is: `0 kept, truncated at ${FIRST_AT + 30}`,
  },
  {
    what: 'a length that is none',
    file: changed(FIRST_AT + 4, 3),
    is: `2 kept, bad-length at ${FIRST_AT}`,
  },
  {
    what: 'a length that is too large, and what follows is found at the end of the file',
    file: changed(FIRST_AT + 6, 1),
    is: `2 kept, truncated at ${FILE.length}`,
  },
  {
    what: 'lengths that differ',
    file: changed(FIRST_AT + FIRST_BYTES - 4, 0),
    is: `2 kept, bad-length at ${FIRST_AT}`,
  },
  {
    what: 'an interface that was never named',
    file: changed(FIRST_AT + 8, 1),
    is: `2 kept, bad-reference at ${FIRST_AT}`,
  },
  {
    what: 'a packet longer than its block',
    file: changed(FIRST_AT + 20, 200),
    is: `2 kept, bad-length at ${FIRST_AT}`,
  },
  { what: 'version 2', file: changed(12, 2), is: '0 kept, bad-version at 0' },
  {
    what: 'rubbish between two sections',
    file: concat(FILE, fromHex('010203'), FILE),
    is: `6 kept, bad-length at ${FILE.length}`,
  },
];

for (const { what, file, is } of DAMAGED) {
  test(`pcapng, ${what}: ${is}`, () => {
    const { packets, damages } = read(file);
    const [damage] = damages;
    assert.equal(`${packets.length} kept, ${damage?.reason} at ${damage?.at}`, is);
    assert.equal(damages.length, 1);
  });
}

test('a block that is no packet and too large to keep is passed over', () => {
  const size = 3_000_000;
  const block = new Uint8Array(size);
  const view = viewOf(block);
  view.setUint32(0, 10, true);
  view.setUint32(4, size, true);
  view.setUint32(size - 4, size, true);
  const file = concat(FILE.slice(0, FIRST_AT), block, FILE.slice(FIRST_AT));
  assert.deepEqual(read(file, [65_536]).packets, PACKETS);
});

const RESOLUTIONS = [
  { what: 'milliseconds', code: 3, ticks: 1_385_152_296_436n, is: 1_385_152_296_436_000_000n },
  { what: 'microseconds', code: 6, ticks: 1_385_152_296_436_453n, is: 1_385_152_296_436_453_000n },
  { what: 'nanoseconds at their end', code: 9, ticks: 2n ** 64n - 1n, is: 2n ** 64n - 1n },
  { what: 'picoseconds', code: 12, ticks: 1_999n, is: 1n },
  { what: '1/1024 s', code: 0x8a, ticks: 1536n, is: 1_500_000_000n },
];

for (const { what, code, ticks, is } of RESOLUTIONS) {
  test(`time in ${what}`, () => {
    const iface = { ...ETH0, resolution: code };
    const block = pcapngPacket(packet('aa', 0n), [iface]);
    viewOf(block).setUint32(12, Number(ticks >> 32n), true);
    viewOf(block).setUint32(16, Number(ticks & 0xffff_ffffn), true);
    const [found] = read(concat(pcapngSection(), pcapngInterface(iface), block)).packets;
    // Beyond 2^53 seconds nothing is exact; within 2^64 ns everything is.
    assert.equal(found?.time, nanoseconds(is));
  });
}

const anyInterface = record<PcapngInterface>({
  linkType: fc.constantFrom(LINK_ETHERNET, LINK_RAW),
  snapBytes: fc.constant(262_144),
  name: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
  filter: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
  droppedPackets: fc.option(fc.nat(), { nil: undefined }),
  resolution: fc.constantFrom(3, 6, 9),
});

/** Whole milliseconds, which all three resolutions hold. */
const anyPacket = fc
  .tuple(anyUnsigned(32), fc.nat(999), anyBytes(0, 40), fc.nat(2000), fc.nat(2), fc.string())
  .map(([second, millis, bytes, more, interfaceNumber, text]): PcapngPacket => {
    const time = nanoseconds(BigInt(second) * 1_000_000_000n + BigInt(millis) * 1_000_000n);
    const comment = text === '' ? undefined : text;
    return { time, bytes, onWireBytes: bytes.length + more, interfaceNumber, comment };
  });

const anySection = record<PcapngSection>({
  byteOrder: fc.constantFrom('little', 'big'),
  interfaces: fc.array(anyInterface, { minLength: 3, maxLength: 3 }),
  packets: fc.array(anyPacket, { maxLength: 10 }),
});

test('what was written is read back, in pieces of any size', () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
  const sections = fc.array(anySection, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(sections, pieces, (written, sizes) => {
      const { interfaces, packets, damages } = read(writePcapng(written), sizes);
      assert.deepEqual(damages, []);
      assert.deepEqual(
        interfaces,
        written.flatMap((section) => section.interfaces.map(asRead)),
      );
      const expected = written.flatMap((section, i) =>
        section.packets.map((one) => ({ ...one, interfaceNumber: one.interfaceNumber + 3 * i })),
      );
      assert.deepEqual(packets, expected);
    }),
  );
});

test('a file cut anywhere keeps every whole packet', () => {
  fc.assert(
    fc.property(anySection, fc.nat(), (section, cut) => {
      const file = writePcapng([section]);
      const { packets } = read(file.slice(0, cut % file.length));
      assert.deepEqual(packets, section.packets.slice(0, packets.length));
      const shorter = writePcapng([
        {
          ...section,
          interfaces: section.interfaces,
          packets: section.packets.slice(0, packets.length + 1),
        },
      ]);
      assert.ok(packets.length === section.packets.length || cut % file.length < shorter.length);
    }),
  );
});

test('after one damaged byte all packets but one are read', () => {
  const many = Array.from({ length: 6 }, (_, i) => packet(`0a0b0c${i}${i}`, BigInt(i + 1)));
  const file = writePcapng([{ byteOrder: 'big', interfaces: [ETH0], packets: many }]);
  fc.assert(
    fc.property(fc.integer({ min: FIRST_AT, max: file.length - 1 }), fc.nat(255), (at, to) => {
      const damaged = file.slice();
      damaged[at] = to;
      const { packets } = read(damaged);
      const right = packets.filter((one) => many.some((other) => sameRecord(one, other)));
      assert.ok(right.length >= many.length - 1, `${right.length}`);
    }),
    { numRuns: 500 },
  );
});

test('no bytes make the reader throw, hang or grow', () => {
  const change = record({ at: fc.nat(FILE.length - 1), to: fc.nat(255) });
  fc.assert(fc.property(anyBytes(0, 80), (bytes) => void read(bytes)));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      const file = FILE.slice();
      for (const { at, to } of changes) file[at] = to;
      const { packets, damages } = read(concat(file, file));
      assert.ok(packets.length <= 2 * PACKETS.length && damages.length <= 20);
    }),
    { numRuns: 1000 },
  );
});

test('classic pcap is read by the same reader, and damage told', () => {
  const frames = PACKETS.map(({ time, bytes, onWireBytes }) => ({ time, bytes, onWireBytes }));
  const file = writePcap(frames);
  assert.deepEqual(
    read(file, [1]).packets.map(({ bytes }) => toHex(bytes)),
    frames.map(({ bytes }) => toHex(bytes)),
  );
  assert.equal(read(file.slice(0, -1)).damages[0]?.reason, 'truncated');
  assert.equal(read(new Uint8Array(2)).damages[0]?.reason, 'truncated');
});

test('text survives UTF-8, and bytes that are none are read too', () => {
  assert.equal(utf8Text(utf8Bytes('hôte → 服务器 🐟 100 %')), 'hôte → 服务器 🐟 100 %');
  assert.equal(utf8Text(utf8Bytes('\ud800x')), '\ufffdx');
  assert.equal(utf8Text(fromHex('ff41')), 'ÿA');
});

function read(file: Uint8Array, sizes: readonly number[] = [file.length || 1]) {
  const reader = new CaptureReader();
  const packets: PcapngPacket[] = [];
  const visit: Parameters<CaptureReader['push']>[1] = (one) =>
    void packets.push({
      time: recordTime(one),
      bytes: recordBytes(one),
      onWireBytes: one.onWireBytes,
      interfaceNumber: one.interfaceNumber,
      comment: one.comment,
    });
  for (let at = 0, turn = 0; at < file.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.push(file.slice(at, at + size), visit);
    at += size;
  }
  reader.end(visit);
  return { packets, interfaces: reader.interfaces.map(asRead), damages: reader.damages };
}

/** What a reader tells of an interface. */
function asRead(one: CaptureInterface): CaptureInterface {
  const { linkType, snapBytes, name, filter, droppedPackets } = one;
  return { linkType, snapBytes, name, filter, droppedPackets };
}

function packet(hex: string, time: bigint, comment?: string): PcapngPacket {
  const bytes = fromHex(hex);
  return {
    time: nanoseconds(time),
    bytes,
    onWireBytes: bytes.length,
    interfaceNumber: 0,
    comment,
  };
}

function sameRecord(a: PcapngPacket, b: PcapngPacket): boolean {
  return a.time === b.time && toHex(a.bytes) === toHex(b.bytes);
}

function changed(at: number, to: number): Uint8Array {
  const file = FILE.slice();
  file[at] = to;
  return file;
}
