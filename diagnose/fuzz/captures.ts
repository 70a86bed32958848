/** Capture files changed at random, by the million: none may make the reader throw, hang or grow. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AddressBook } from '../correlate/address-book.ts';
import { PointReader } from '../correlate/point.ts';
import { SessionIndex } from '../correlate/sessions.ts';
import { trace } from '../correlate/trace.ts';
import { reportCase } from '../testdata/report-case.ts';

export interface Fuzzed {
  readonly files: number;
  readonly packets: number;
  readonly connections: number;
  readonly damages: number;
}

/** Captures of tcpdump, dumpcap, editcap and mergecap: both formats, several link types and precisions. */
const SAMPLES = resolve(import.meta.dirname, '../../../diagnose/testdata/captures');
/** A trace of two points is looked at now and then: reading is where the bytes are. */
const TRACED_EVERY = 50;
/** The smallest record of either format. */
const RECORD_LEAST_BYTES = 16;
const EXTREMES = [
  0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x0a0d_0d0a, 0x1a2b_3c4d, 0xa1b2_c3d4,
];
const CHANGES_MAX = 6;

/** Throws when a file did, and names it: `seed` and its number make it again. */
export async function fuzzCaptures(count: number, seed: number): Promise<Fuzzed> {
  const samples = allSamples();
  const total = { files: 0, packets: 0, connections: 0, damages: 0 };
  for (let number = 0; number < count; number += 1) {
    const file = mutated(samples, seed, number);
    try {
      const { packets, connections, damages } = read(file, number);
      if (number % TRACED_EVERY === 0) await traceTwice(file);
      total.files += 1;
      total.packets += packets;
      total.connections += connections;
      total.damages += damages;
    } catch (error) {
      throw new Error(`file ${number} of seed ${seed}, ${file.length} bytes`, { cause: error });
    }
  }
  return total;
}

function allSamples(): Uint8Array[] {
  const names = readdirSync(SAMPLES).filter((name) => /\.pcap(?:ng)?$/.test(name));
  return [
    ...names.map((name) => new Uint8Array(readFileSync(resolve(SAMPLES, name)))),
    ...Object.values(reportCase({ owner: true })),
  ];
}

function read(file: Uint8Array, number: number) {
  const reader = new PointReader({ book: new AddressBook() }, { name: 'a', file: 'a' });
  // Whole, or in two pieces: what is left over of the first is where mistakes are.
  const cut = number % 2 === 0 ? file.length : (number * 7919) % file.length;
  reader.push(file.subarray(0, cut));
  reader.push(file.subarray(cut));
  reader.end();
  const { packets, damages } = reader.facts();
  const connections = reader.table.length;
  if (packets > file.length / RECORD_LEAST_BYTES || connections > packets || damages.length > 20)
    throw new RangeError(
      `${packets} packets, ${connections} connections, ${damages.length} damages`,
    );
  return { packets, connections, damages: damages.length };
}

async function traceTwice(file: Uint8Array): Promise<void> {
  const book = new AddressBook();
  const points = ['a', 'b'].map((name, number) => {
    const reader = new PointReader({ book }, { name, file: name });
    reader.push(file);
    reader.end();
    return reader.point(number);
  });
  trace({ book, sessions: new SessionIndex({ book }, []) }, points);
}

function mutated(samples: readonly Uint8Array[], seed: number, number: number): Uint8Array {
  const next = random(seed ^ Math.imul(number + 1, 0x9e3779b1));
  const sample = samples[next() % samples.length] ?? new Uint8Array(1);
  let file: Uint8Array = sample.slice();
  const changes = 1 + (next() % CHANGES_MAX);
  for (let i = 0; i < changes; i += 1) file = changed(file, next);
  return file.length > 0 ? file : new Uint8Array(1);
}

function changed(file: Uint8Array, next: () => number): Uint8Array {
  if (file.length < 8) return file;
  const at = next() % (file.length - 4);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  switch (next() % 6) {
    case 0:
    case 1:
      file[at] = next() & 0xff;
      return file;
    case 2:
      view.setUint32(at & ~3, EXTREMES[next() % EXTREMES.length] ?? 0, next() % 2 === 0);
      return file;
    case 3:
      // Lengths that are nearly right.
      view.setUint32(at, view.getUint32(at, true) + (next() % 9) - 4, true);
      return file;
    case 4:
      return file.slice(0, at);
    default: {
      const length = next() % 64;
      const moved = file.slice(at, at + length);
      file.set(
        moved.subarray(0, file.length - (at & 0xff)),
        Math.min(at & 0xff, file.length - moved.length),
      );
      return file;
    }
  }
}

/** Mulberry32: small, and good enough to change bytes. */
function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
