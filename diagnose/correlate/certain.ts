/**
 * Pairs that are certain, found without comparing each connection with all that are a little like
 * it: only those with the same ends or sequence numbers are weighed, and the rest is outdone at once.
 */
import type { Demands } from './assign.ts';
import type { Connection } from './connection.ts';
import { mostOfStrangers, type EvidenceKind, type Scale } from './evidence.ts';

/** Numbers of `earlier` and `later` connections; their sequence is theirs alone. */
export interface Sides {
  readonly earlier: readonly Connection[];
  readonly later: readonly Connection[];
  /** Numbers of the later connections that have ends or sequence numbers of this earlier one. */
  readonly strongOf: (earlier: number) => readonly number[];
  readonly weigh: (earlier: number, later: number) => Scale | undefined;
}

/** By earlier connection; in columns, for they are many. */
export class CertainPairs {
  /** Number of the later connection, or -1. */
  readonly later: Int32Array;
  readonly bits: Float64Array;
  readonly margin: Float64Array;
  readonly by: (readonly EvidenceKind[])[] = [];

  constructor(length: number) {
    this.later = new Int32Array(length).fill(-1);
    this.bits = new Float64Array(length);
    this.margin = new Float64Array(length);
  }
}

export function certainPairs(sides: Sides, demands: Demands): CertainPairs {
  const { length } = sides.earlier;
  const pairs = new CertainPairs(length);
  const identifyingBits = new Float64Array(length);
  const ofEarlier = new Rivals(length);
  const ofLater = new Rivals(sides.later.length);
  for (let earlier = 0; earlier < length; earlier += 1)
    for (const later of sides.strongOf(earlier)) {
      const found = sides.weigh(earlier, later);
      if (!found) continue;
      ofLater.add(later, found.bits);
      if (!ofEarlier.add(earlier, found.bits)) continue;
      pairs.later[earlier] = later;
      pairs.bits[earlier] = found.bits;
      pairs.by[earlier] = found.by();
      identifyingBits[earlier] = found.identifyingBits;
    }
  for (let earlier = 0; earlier < length; earlier += 1) {
    const later = pairs.later[earlier] ?? -1;
    const bits = pairs.bits[earlier] ?? 0;
    const [a, b] = [sides.earlier[earlier], sides.later[later]];
    if (!a || !b) continue;
    const margin =
      bits -
      Math.max(ofEarlier.rival(earlier, bits), ofLater.rival(later, bits), mostOfStrangers(a, b));
    pairs.margin[earlier] = margin;
    const isCertain =
      bits >= demands.bits &&
      (identifyingBits[earlier] ?? 0) >= demands.identifyingBits &&
      margin >= demands.margin;
    if (!isCertain) pairs.later[earlier] = -1;
  }
  return pairs;
}

/** The best two of each: what the best is to be compared with is the second. */
class Rivals {
  readonly #first: Float64Array;
  readonly #second: Float64Array;

  constructor(count: number) {
    this.#first = new Float64Array(count);
    this.#second = new Float64Array(count);
  }

  /** Tells whether it is the best so far. */
  add(number: number, bits: number): boolean {
    const first = this.#first[number] ?? 0;
    if (bits > first) {
      this.#second[number] = first;
      this.#first[number] = bits;
      return true;
    }
    if (bits > (this.#second[number] ?? 0)) this.#second[number] = bits;
    return false;
  }

  /** The best of the others than one with so many bits. */
  rival(number: number, bits: number): number {
    const first = this.#first[number] ?? 0;
    return first === bits ? (this.#second[number] ?? 0) : first;
  }
}
