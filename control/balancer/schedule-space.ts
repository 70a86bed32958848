/** Where in the map `schedule` a pool's run of entries is written, so that no packet sees half of one. */

export type Extent = { readonly offset: number; readonly length: number };

/** A packet that has read the old place is done with it long before. */
const REST_MS = 1_000;

export class ScheduleSpace {
  readonly #capacity: number;
  readonly #nowMs: () => number;
  /** By offset, in use or resting. */
  #taken: Extent[] = [];
  /** Oldest first. */
  #resting: (Extent & { readonly freeAtMs: number })[] = [];

  constructor(capacity: number, nowMs: () => number) {
    this.#capacity = capacity;
    this.#nowMs = nowMs;
  }

  /** What an earlier daemon left in use. */
  hold(run: Extent): void {
    if (run.length > 0) this.#taken.splice(this.#placeOf(run.offset), 0, run);
  }

  /** First fit between what is in use and what was until a moment ago; in use from now on. */
  allocate(length: number): Extent {
    this.#freeRested();
    let offset = 0;
    for (const run of this.#taken) {
      if (run.offset - offset >= length) break;
      offset = Math.max(offset, run.offset + run.length);
    }
    if (offset + length > this.#capacity)
      throw new RangeError(
        `map schedule has ${this.#capacity} entries, and no ${length} in a row are free`,
      );
    const run = { offset, length };
    this.hold(run);
    return run;
  }

  /** No table leads to it any more. */
  retire(run: Extent): void {
    if (run.length > 0) this.#resting.push({ ...run, freeAtMs: this.#nowMs() + REST_MS });
  }

  #freeRested(): void {
    const nowMs = this.#nowMs();
    const free = this.#resting.filter(({ freeAtMs }) => freeAtMs <= nowMs);
    if (free.length === 0) return;
    this.#resting = this.#resting.filter(({ freeAtMs }) => freeAtMs > nowMs);
    const offsets = new Set(free.map(({ offset }) => offset));
    this.#taken = this.#taken.filter(({ offset }) => !offsets.has(offset));
  }

  /** Of the first run that does not begin before. */
  #placeOf(offset: number): number {
    let [low, high] = [0, this.#taken.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#taken[middle]?.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The word of struct pool: one store swaps a whole table. */
export function packTable({ offset, length }: Extent): bigint {
  return (BigInt(offset) << 32n) | BigInt(length);
}

export function unpackTable(word: bigint): Extent {
  return { offset: Number(word >> 32n), length: Number(word & 0xffff_ffffn) };
}
