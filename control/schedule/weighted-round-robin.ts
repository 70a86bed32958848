/** Weighted round robin as a table of backend indices, which the kernel walks entry by entry. */

import { apportion, sum } from './apportion.ts';
import type { Weighted } from './weighted.ts';

/** 16 KiB of u32 in the kernel's table for one pool; shares are then exact to 1/4096. */
export const TABLE_ENTRIES_MAX = 4_096;

/**
 * nginx's smooth weighted round robin: each turn every backend gains its weight, the
 * richest is chosen and pays the sum of all. Weights 5, 1, 1 give a a b a c a a and
 * not a a a a a b c. The table holds one full cycle, sum(weights) / gcd(weights) entries.
 *
 * When a cycle is longer than the table may be, the weights are first scaled to it by
 * largest remainder (see `apportion`).
 *
 * @example weightedRoundRobin([{ index: 7, weight: 2 }, { index: 9, weight: 1 }]) // [7, 9, 7]
 */
export function weightedRoundRobin(
  backends: readonly Weighted[],
  entriesMax: number = TABLE_ENTRIES_MAX,
): number[] {
  const active = backends.filter(({ weight }) => weight > 0);
  if (active.length > entriesMax)
    throw new RangeError(
      `a pool may have at most ${entriesMax} backends with a weight, got ${active.length}`,
    );
  const divisor = active.reduce((sofar, { weight }) => gcd(sofar, weight), 0);
  const turns = scaled(
    active.map(({ weight }) => weight / divisor),
    entriesMax,
  );
  return smooth(turns).map((chosen) => (active[chosen] as Weighted).index);
}

/** One cycle: position i of `turns` occurs turns[i] times, spread out. */
function smooth(turns: readonly number[]): number[] {
  const total = sum(turns);
  const credit = turns.map(() => 0);
  const table: number[] = [];
  while (table.length < total) {
    let richest = 0;
    for (let i = 0; i < turns.length; i++) {
      credit[i] = (credit[i] ?? 0) + (turns[i] ?? 0);
      if ((credit[i] ?? 0) > (credit[richest] ?? 0)) richest = i;
    }
    credit[richest] = (credit[richest] ?? 0) - total;
    table.push(richest);
  }
  return table;
}

/** The weights themselves when they fit; otherwise turns that add up to `entriesMax`. */
function scaled(weights: readonly number[], entriesMax: number): number[] {
  return sum(weights) <= entriesMax ? [...weights] : apportion(weights, entriesMax);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
