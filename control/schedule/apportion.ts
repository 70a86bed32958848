/**
 * Divides so many entries by weight, by largest remainder: each share is within one entry of
 * the exact one, as long as that is at least one entry; a smaller one is rounded up to one,
 * for a backend with a weight must get connections, and the entries for that come from those
 * that are furthest above theirs.
 */
export function apportion(weights: readonly number[], entries: number): number[] {
  const total = sum(weights);
  const exact = weights.map((weight) => (weight * entries) / total);
  const shares = exact.map((share) => Math.max(1, Math.floor(share)));
  for (let missing = entries - sum(shares); missing !== 0; missing -= Math.sign(missing)) {
    const step = Math.sign(missing);
    const chosen = furthest(shares, (share, i) =>
      share + step < 1 ? -Infinity : ((exact[i] ?? 0) - share) * step,
    );
    shares[chosen] = (shares[chosen] ?? 0) + step;
  }
  return shares;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function furthest(shares: readonly number[], score: (share: number, i: number) => number): number {
  let best = 0;
  let highest = -Infinity;
  shares.forEach((share, i) => {
    const reached = score(share, i);
    if (reached > highest) [best, highest] = [i, reached];
  });
  return best;
}
