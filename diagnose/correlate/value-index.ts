/** Which of many connections have a value: a hash table of plain numbers, built once and only asked. */

const EMPTY = -1;

/** Members of one value are neighbours in `members`, in the order they were given. NaN has none. */
export class ValueIndex {
  readonly members: Int32Array;
  /** By member: how many have its value, itself too. */
  readonly counts: Uint32Array;
  readonly #values: Float64Array;
  readonly #mask: number;
  /** By slot: number of the group that has one value. */
  readonly #groups: Int32Array;
  /** By group: where its members begin; one more at the end. */
  readonly #from: Int32Array;

  constructor(values: Float64Array) {
    const { length } = values;
    let capacity = 16;
    while (capacity < 2 * length) capacity *= 2;
    this.#values = values;
    this.#mask = capacity - 1;
    this.#groups = new Int32Array(capacity).fill(EMPTY);
    this.#from = new Int32Array(length + 1);
    this.members = new Int32Array(length);
    this.counts = new Uint32Array(length);
    this.#build(values);
  }

  /** Number of those that have the value, or -1. */
  group(value: number): number {
    return this.#groups[this.#slot(value)] ?? EMPTY;
  }

  /** Where the members of the group begin in `members`, and those before it end; 0 for -1. */
  from(group: number): number {
    return group < 0 ? 0 : (this.#from[group] ?? 0);
  }

  /** The member has the value, and no other has it. */
  isSole(member: number, value: number): boolean {
    return this.#values[member] === value && this.counts[member] === 1;
  }

  #build(values: Float64Array): void {
    const { members, counts } = this;
    const [groups, from] = [this.#groups, this.#from];
    // While slots are looked for, `members` holds the first member of each group.
    const groupOf = new Int32Array(values.length);
    const sizes = new Uint32Array(values.length);
    let known = 0;
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i] ?? NaN;
      groupOf[i] = EMPTY;
      if (Number.isNaN(value)) continue;
      const slot = this.#slot(value, true);
      let group = groups[slot] ?? EMPTY;
      if (group === EMPTY) {
        group = known;
        groups[slot] = group;
        members[group] = i;
        known += 1;
      }
      groupOf[i] = group;
      sizes[group] = (sizes[group] ?? 0) + 1;
    }
    let next = 0;
    for (let group = 0; group < known; group += 1) {
      from[group] = next;
      next += sizes[group] ?? 0;
    }
    from.fill(next, known);
    const placed = new Uint32Array(known);
    for (let i = 0; i < values.length; i += 1) {
      const group = groupOf[i] ?? EMPTY;
      if (group === EMPTY) continue;
      const already = placed[group] ?? 0;
      members[(from[group] ?? 0) + already] = i;
      placed[group] = already + 1;
      counts[i] = sizes[group] ?? 0;
    }
  }

  /** The slot of the value, or the empty one where it belongs. */
  #slot(value: number, isBuilding = false): number {
    const [values, groups, members, mask] = [this.#values, this.#groups, this.members, this.#mask];
    let slot = hash(value) & mask;
    for (;;) {
      const group = groups[slot] ?? EMPTY;
      if (group === EMPTY) return slot;
      const first = members[isBuilding ? group : (this.#from[group] ?? 0)] ?? 0;
      if (values[first] === value) return slot;
      slot = (slot + 1) & mask;
    }
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
  for (let i = 0; i < list.length; i += 1) values[i] = valueOf(list[i] as T) ?? NaN;
  return values;
}
