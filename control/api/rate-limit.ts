/** So many requests a second for each who asks, and some more after a pause. */

export type Rate = { readonly perSecond: number; readonly burst: number };

/** Who has not asked for longest is forgotten: their bucket is full by then. */
const REMEMBERED = 10_000;

export class RateLimit {
  readonly #rate: Rate;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(rate: Rate, nowMs: () => number) {
    this.#rate = rate;
    this.#nowMs = nowMs;
  }

  /** Undefined when this one may pass, otherwise after how many seconds to try again. */
  take(who: string): number | undefined {
    const { perSecond, burst } = this.#rate;
    const atMs = this.#nowMs();
    const before = this.#buckets.get(who) ?? { tokens: burst, atMs };
    const tokens = Math.min(burst, before.tokens + ((atMs - before.atMs) / 1_000) * perSecond);
    this.#buckets.delete(who);
    this.#buckets.set(who, { tokens: tokens < 1 ? tokens : tokens - 1, atMs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > REMEMBERED && oldest !== undefined) this.#buckets.delete(oldest);
    return tokens < 1 ? Math.ceil((1 - tokens) / perSecond) : undefined;
  }
}
