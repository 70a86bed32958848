/**
 * Pairs that are certain, found without comparing each connection with all that are a little like
 * it: only those with the same ends or sequence numbers are weighed, and the rest is outdone at once.
 */
import type { Assigned, Candidate, Demands } from './assign.ts';
import type { Connection } from './connection.ts';
import { mostOfStrangers, type Evidence } from './evidence.ts';

/** Numbers of `earlier` and `later` connections; their sequence is theirs alone. */
export interface Sides {
  readonly earlier: readonly Connection[];
  readonly later: readonly Connection[];
  /** Numbers of the later connections that have ends or sequence numbers of this earlier one. */
  readonly strongOf: (earlier: number) => readonly number[];
  readonly weigh: (earlier: number, later: number) => Evidence | undefined;
}

export function certainPairs(sides: Sides, demands: Demands): Assigned[] {
  const candidates: Candidate[] = [];
  const rivalsOfEarlier = new Rivals(sides.earlier.length);
  const rivalsOfLater = new Rivals(sides.later.length);
  for (let earlier = 0; earlier < sides.earlier.length; earlier += 1)
    for (const later of sides.strongOf(earlier)) {
      const evidence = sides.weigh(earlier, later);
      if (!evidence) continue;
      candidates.push({ earlier, later, evidence });
      rivalsOfEarlier.add(earlier, evidence.bits);
      rivalsOfLater.add(later, evidence.bits);
    }
  return candidates.flatMap(({ earlier, later, evidence }): Assigned[] => {
    const { bits, identifyingBits } = evidence;
    if (bits < demands.bits || identifyingBits < demands.identifyingBits) return [];
    const [a, b] = [sides.earlier[earlier], sides.later[later]];
    if (!a || !b) return [];
    const rival = Math.max(
      rivalsOfEarlier.best(earlier, bits),
      rivalsOfLater.best(later, bits),
      mostOfStrangers(a),
      mostOfStrangers(b),
    );
    const margin = bits - rival;
    return margin >= demands.margin ? [{ earlier, later, evidence, margin }] : [];
  });
}

/** The best two of each: what the best is to be compared with is the second. */
class Rivals {
  readonly #first: Float64Array;
  readonly #second: Float64Array;

  constructor(count: number) {
    this.#first = new Float64Array(count);
    this.#second = new Float64Array(count);
  }

  add(number: number, bits: number): void {
    const first = this.#first[number] ?? 0;
    if (bits > first) {
      this.#second[number] = first;
      this.#first[number] = bits;
    } else if (bits > (this.#second[number] ?? 0)) this.#second[number] = bits;
  }

  /** Of the others than the one with so many bits. */
  best(number: number, bits: number): number {
    const first = this.#first[number] ?? 0;
    return first === bits ? (this.#second[number] ?? 0) : first;
  }
}
