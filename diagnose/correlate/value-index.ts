/** Which of many connections have a value: a hash table of plain numbers, built once and only asked. */

/** Places of a value among all members; `from` and `to` bound them in `members`. */
export interface Places {
  readonly from: number;
  readonly to: number;
}

const EMPTY = -1;
const NOWHERE: Places = { from: 0, to: 0 };

/** Members of one value are neighbours, in the order they were given. NaN has none. */
export class ValueIndex {
  readonly members: Int32Array;
  readonly #mask: number;
  readonly #values: Float64Array;
  /** By slot: where its members begin, and end. */
  readonly #from: Int32Array;
  readonly #to: Int32Array;

  constructor(values: Float64Array) {
    const { length } = values;
    let capacity = 16;
    while (capacity < 2 * length) capacity *= 2;
    this.#mask = capacity - 1;
    this.#values = new Float64Array(capacity);
    this.#from = new Int32Array(capacity).fill(EMPTY);
    this.#to = new Int32Array(capacity);
    this.members = new Int32Array(length);
    const slots = this.#count(values);
    this.#place(slots);
  }

  of(value: number): Places {
    const slot = this.#slot(value);
    const from = this.#from[slot] ?? EMPTY;
    return from === EMPTY ? NOWHERE : { from, to: this.#to[slot] ?? 0 };
  }

  count(value: number): number {
    const slot = this.#slot(value);
    const from = this.#from[slot] ?? EMPTY;
    return from === EMPTY ? 0 : (this.#to[slot] ?? 0) - from;
  }

  /** Gives the slot of each value; `#to` holds the counts until places are known. */
  #count(values: Float64Array): Int32Array {
    const slots = new Int32Array(values.length);
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i] ?? NaN;
      if (Number.isNaN(value)) {
        slots[i] = EMPTY;
        continue;
      }
      const slot = this.#slot(value);
      this.#values[slot] = value;
      this.#from[slot] = 0;
      this.#to[slot] = (this.#to[slot] ?? 0) + 1;
      slots[i] = slot;
    }
    return slots;
  }

  #place(slots: Int32Array): void {
    const [from, to] = [this.#from, this.#to];
    let next = 0;
    for (let slot = 0; slot < from.length; slot += 1) {
      if (from[slot] === EMPTY) continue;
      const count = to[slot] ?? 0;
      from[slot] = next;
      to[slot] = next;
      next += count;
    }
    for (let i = 0; i < slots.length; i += 1) {
      const slot = slots[i] ?? EMPTY;
      if (slot === EMPTY) continue;
      const at = to[slot] ?? 0;
      this.members[at] = i;
      to[slot] = at + 1;
    }
  }

  #slot(value: number): number {
    const [values, from, mask] = [this.#values, this.#from, this.#mask];
    let slot = hash(value) & mask;
    while (from[slot] !== EMPTY && values[slot] !== value) slot = (slot + 1) & mask;
    return slot;
  }
}

/** Multipliers of MurmurHash3's finaliser; the value has up to 49 bits. */
function hash(value: number): number {
  let mixed = Math.imul(value | 0, 0x9e3779b1) ^ ((value / 65_536) | 0);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** `valueOf` of each; what it does not know is NaN. */
export function valuesOf<T>(
  list: readonly T[],
  valueOf: (one: T) => number | undefined,
): Float64Array {
  const values = new Float64Array(list.length);
  for (const [i, one] of list.entries()) values[i] = valueOf(one) ?? NaN;
  return values;
}
