/** What a few measurements of the same thing say together. */

export type Summary = { median: number; min: number; max: number };

export function summary(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: quantile(sorted, 0), max: quantile(sorted, 1) };
}

/** Between the two nearest values, as most tools do; NaN of nothing. `sorted` is ascending. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Distance between the extremes in relation to the median: 0.1 is ten per cent. */
export function spread({ median, min, max }: Summary): number {
  return median === 0 ? 0 : (max - min) / Math.abs(median);
}
