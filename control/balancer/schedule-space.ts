/** Where in the map `schedule` a pool's run of entries is written, so that no packet sees half of one. */

export type Extent = { readonly offset: number; readonly length: number };

/** A packet that has read the old place is done with it long before. */
const REST_MS = 1_000;

export class ScheduleSpace {
  readonly #capacity: number;
  readonly #nowMs: () => number;
  #retired: (Extent & { freeAtMs: number })[] = [];

  constructor(capacity: number, nowMs: () => number) {
    this.#capacity = capacity;
    this.#nowMs = nowMs;
  }

  /** First fit between what is in use and what was until a moment ago. */
  allocate(length: number, inUse: readonly Extent[]): Extent {
    const nowMs = this.#nowMs();
    this.#retired = this.#retired.filter(({ freeAtMs }) => freeAtMs > nowMs);
    const taken = [...inUse, ...this.#retired].toSorted((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const run of taken) {
      if (run.length > 0 && run.offset - offset >= length) break;
      offset = Math.max(offset, run.offset + run.length);
    }
    if (offset + length > this.#capacity)
      throw new RangeError(
        `map schedule has ${this.#capacity} entries, and no ${length} in a row are free`,
      );
    return { offset, length };
  }

  retire(run: Extent): void {
    if (run.length > 0) this.#retired.push({ ...run, freeAtMs: this.#nowMs() + REST_MS });
  }
}

/** The word of struct pool: one store swaps a whole table. */
export function packTable({ offset, length }: Extent): bigint {
  return (BigInt(offset) << 32n) | BigInt(length);
}

export function unpackTable(word: bigint): Extent {
  return { offset: Number(word >> 32n), length: Number(word & 0xffff_ffffn) };
}
