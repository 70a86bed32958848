/** Quantiles of durations in little memory, however many there are. */

/** A quantile is at most this share too large. */
const GROWTH = 1.05;
/** Finer than any handshake; below it all is one. */
const LEAST_MS = 0.001;

/** Buckets whose bounds grow by a constant factor: a probe may run for days. */
export class DurationHistogram {
  readonly #counts: number[] = [];
  #total = 0;
  #mostMs = 0;

  add(durationMs: number): void {
    const bucket = bucketOf(durationMs);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
    this.#mostMs = Math.max(this.#mostMs, durationMs);
  }

  /** The least duration that at least `share` of all do not exceed; 0 when there are none. */
  quantile(share: number): number {
    const rank = Math.ceil(share * this.#total);
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count ?? 0;
      if (seen >= rank && seen > 0) return Math.min(this.#mostMs, LEAST_MS * GROWTH ** bucket);
    }
    return 0;
  }
}

function bucketOf(durationMs: number): number {
  return Math.max(0, Math.ceil(Math.log(durationMs / LEAST_MS) / Math.log(GROWTH)));
}
