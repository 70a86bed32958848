/** Sorts long lists that are mostly in order already, by a number that is asked for once each. */

export function sortedBy<T>(list: readonly T[], keyOf: (one: T) => number): readonly T[] {
  const keys = new Float64Array(list.length);
  let isSorted = true;
  for (let i = 0; i < list.length; i += 1) {
    keys[i] = keyOf(list[i] as T);
    if (i > 0 && (keys[i] ?? 0) < (keys[i - 1] ?? 0)) isSorted = false;
  }
  if (isSorted) return list;
  const order = Array.from(list.keys());
  order.sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
  return order.map((i) => list[i] as T);
}
