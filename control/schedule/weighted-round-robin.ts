/** Weighted round robin as a table of backend indices, which the kernel walks entry by entry. */

export interface Weighted {
  readonly index: number;
  /** 0: gets no new connections. */
  readonly weight: number;
}

/** 16 KiB of u32 in the kernel's table for one pool; shares are then exact to 1/4096. */
export const TABLE_ENTRIES_MAX = 4_096;

/**
 * nginx's smooth weighted round robin: each turn every backend gains its weight, the
 * richest is chosen and pays the sum of all. Weights 5, 1, 1 give a a b a c a a and
 * not a a a a a b c. The table holds one full cycle, sum(weights) / gcd(weights) entries.
 *
 * When a cycle is longer than the table may be, the weights are first scaled to it by
 * largest remainder (see `scaled`).
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

/**
 * The weights themselves when they fit; otherwise turns that add up to `entriesMax`.
 * Each is within one entry of its exact share, as long as that share is at least one
 * entry; a smaller share is rounded up to one, for a backend with a weight must get
 * connections, and the entries for that come from those that are furthest above theirs.
 */
function scaled(weights: readonly number[], entriesMax: number): number[] {
  const total = sum(weights);
  if (total <= entriesMax) return [...weights];
  const exact = weights.map((weight) => (weight * entriesMax) / total);
  const turns = exact.map((share) => Math.max(1, Math.floor(share)));
  for (let missing = entriesMax - sum(turns); missing !== 0; missing -= Math.sign(missing)) {
    const step = Math.sign(missing);
    const chosen = furthest(turns, (turn, i) =>
      turn + step < 1 ? -Infinity : ((exact[i] ?? 0) - turn) * step,
    );
    turns[chosen] = (turns[chosen] ?? 0) + step;
  }
  return turns;
}

function furthest(turns: readonly number[], score: (turn: number, i: number) => number): number {
  const scores = turns.map(score);
  return scores.indexOf(scores.reduce((a, b) => Math.max(a, b), -Infinity));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
