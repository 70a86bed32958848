/** Finds a connection by its two ends, in either direction: a hash table without objects per entry. */
import type { SocketKey } from './address-book.ts';

const CAPACITY_FIRST = 256;
const EMPTY = -1;

export class TupleTable {
  #count = 0;
  #mask = CAPACITY_FIRST - 1;
  #lows = new Float64Array(CAPACITY_FIRST);
  #highs = new Float64Array(CAPACITY_FIRST);
  #values = new Int32Array(CAPACITY_FIRST).fill(EMPTY);

  /** What `set` last gave this tuple, or -1. */
  get(one: SocketKey, other: SocketKey): number {
    const slot = one < other ? this.#find(one, other) : this.#find(other, one);
    return this.#values[slot] ?? EMPTY;
  }

  set(one: SocketKey, other: SocketKey, value: number): void {
    const [low, high] = one < other ? [one, other] : [other, one];
    const slot = this.#find(low, high);
    if (this.#values[slot] === EMPTY) {
      this.#lows[slot] = low;
      this.#highs[slot] = high;
      this.#count += 1;
    }
    this.#values[slot] = value;
    if (this.#count * 2 > this.#mask) this.#grow();
  }

  /** The slot of the tuple, or the empty one where it belongs. */
  #find(low: number, high: number): number {
    const [lows, highs, values, mask] = [this.#lows, this.#highs, this.#values, this.#mask];
    let slot = hash(low, high) & mask;
    while (values[slot] !== EMPTY && (lows[slot] !== low || highs[slot] !== high))
      slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [lows, highs, values] = [this.#lows, this.#highs, this.#values];
    const capacity = (this.#mask + 1) * 4;
    this.#mask = capacity - 1;
    this.#lows = new Float64Array(capacity);
    this.#highs = new Float64Array(capacity);
    this.#values = new Int32Array(capacity).fill(EMPTY);
    values.forEach((value, from) => {
      if (value === EMPTY) return;
      const [low, high] = [lows[from] ?? 0, highs[from] ?? 0];
      const slot = this.#find(low, high);
      this.#lows[slot] = low;
      this.#highs[slot] = high;
      this.#values[slot] = value;
    });
  }
}

/** Multipliers of MurmurHash3's finaliser; ports alone differ by little and must spread. */
function hash(low: number, high: number): number {
  let mixed = Math.imul(low | 0, 0x9e3779b1) ^ Math.imul(high | 0, 0x85ebca6b);
  // Keys have 49 bits: the upper ones of both.
  mixed ^= Math.imul((low / 65_536) | 0, 0xc2b2ae35) ^ ((high / 65_536) | 0);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
