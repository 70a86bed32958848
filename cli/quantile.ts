/** Quantiles of times that are only known by buckets. */

export type Bucket = {
  /** Null: beyond the one before, nobody knows how far. */
  readonly upToSeconds: number | null;
  readonly count: number;
};

/**
 * The least bound below which `share` of all lie; null where that is the last bucket, undefined
 * when there is nothing. An upper bound, and so honest about what buckets know.
 *
 * @example quantile([{ upToSeconds: 1, count: 9 }, { upToSeconds: 2, count: 1 }], 0.9) // 1
 */
export function quantile(buckets: readonly Bucket[], share: number): number | null | undefined {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return undefined;
  let below = 0;
  for (const { upToSeconds, count } of buckets) {
    below += count;
    if (below >= total * share) return upToSeconds;
  }
  return null;
}
