/**
 * Maglev's table (Eisenbud et al., NSDI 2016, section 3.4): every backend has an order of its
 * own in which it wants the slots, and takes its next one when it is its turn. Shares are as
 * the weights say to one slot, and when a backend leaves hardly any slot of the others changes.
 */
import { createHash } from 'node:crypto';
import { apportion } from './apportion.ts';
import type { NamedWeighted } from './weighted.ts';

/** A prime, as the method wants it: 0.2 % of a share for 100 backends. */
export const MAGLEV_SLOTS = 65_537;

const EMPTY = -1;

interface Taker {
  readonly index: number;
  /** Slots it has to get in all. */
  readonly share: number;
  readonly skip: number;
  next: number;
  taken: number;
  /** Turns that it has saved up: one with half the weight has every other turn. */
  credit: number;
}

/** @example maglev([{ name: 'a', index: 7, weight: 1 }], 7) // [7, 7, 7, 7, 7, 7, 7] */
export function maglev(backends: readonly NamedWeighted[], slots: number = MAGLEV_SLOTS): number[] {
  const active = backends.filter(({ weight }) => weight > 0);
  if (active.length === 0) return [];
  const shares = apportion(
    active.map(({ weight }) => weight),
    slots,
  );
  const takers = active.map((backend, i) => takerOf(backend, shares[i] ?? 0, slots));
  const most = Math.max(...shares);
  const table = Array.from({ length: slots }, () => EMPTY);
  for (let filled = 0; filled < slots;)
    for (const taker of takers) {
      taker.credit += taker.share / most;
      if (taker.taken === taker.share || taker.credit < 1 - 1e-9) continue;
      taker.credit -= 1;
      taker.taken += 1;
      take(taker, table);
      filled += 1;
    }
  return table;
}

/** The next slot in its order that nobody has. */
function take(taker: Taker, table: number[]): void {
  while (table[taker.next] !== EMPTY) taker.next = (taker.next + taker.skip) % table.length;
  table[taker.next] = taker.index;
}

function takerOf({ name, index }: NamedWeighted, share: number, slots: number): Taker {
  const hash = createHash('sha256').update(name).digest();
  return {
    ...{ index, share, taken: 0, credit: 0 },
    next: hash.readUInt32LE(0) % slots,
    skip: 1 + (hash.readUInt32LE(4) % (slots - 1)),
  };
}
