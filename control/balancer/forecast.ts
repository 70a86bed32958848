/** When the ports of a local towards a backend run out, if use grows on as it did lately. */

export type ForecastOptions = {
  /** How far back growth is looked at. */
  windowMs: number;
};

type Sample = { atMs: number; inUse: number };

/** A trend needs some time, or one burst would say that the end is near. */
const SHARE_OF_WINDOW_MIN = 0.25;

/**
 * Keeps a few readings per key. A port that rests is given away when no other is left, so
 * what runs out is ports of live sessions.
 */
export class Forecast {
  readonly #windowMs: number;
  readonly #samples = new Map<string, Sample[]>();

  constructor({ windowMs }: ForecastOptions) {
    this.#windowMs = windowMs;
  }

  /** One reading of all keys; what is not in it is forgotten. */
  note(inUse: ReadonlyMap<string, number>, nowMs: number): void {
    for (const key of this.#samples.keys()) if (!inUse.has(key)) this.#samples.delete(key);
    for (const [key, count] of inUse) {
      const earlier = this.#samples.get(key) ?? [];
      const kept = earlier.filter(({ atMs }) => atMs >= nowMs - this.#windowMs);
      this.#samples.set(key, [...kept, { atMs: nowMs, inUse: count }]);
    }
  }

  /** Seconds until `capacity` is in use; null when use does not grow, or too little is known. */
  secondsLeft(key: string, capacity: number): number | null {
    const samples = this.#samples.get(key) ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last || last.atMs - first.atMs < this.#windowMs * SHARE_OF_WINDOW_MIN)
      return null;
    if (last.inUse >= capacity) return 0;
    const perMs = slope(samples);
    return perMs > 0 ? Math.round((capacity - last.inUse) / perMs / 1000) : null;
  }
}

/** Of the line with the least squares through the samples; in use per millisecond. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [time, use] = [mean(({ atMs }) => atMs), mean(({ inUse }) => inUse)];
  const spread = mean(({ atMs }) => (atMs - time) ** 2);
  return spread === 0 ? 0 : mean((s) => (s.atMs - time) * (s.inUse - use)) / spread;
}
