/** A backend that has come up gets more by and by, so that its caches and threads can warm up. */

/** Steps to the whole weight; a table is written for each. */
export const SLOW_START_STEPS = 10;

/** In tenths of the weight, from the first one on; the whole of it when the time is over. */
export function tenthsAfter(elapsedMs: number, slowStartMs: number): number {
  if (slowStartMs === 0 || elapsedMs >= slowStartMs) return SLOW_START_STEPS;
  return Math.max(1, Math.floor((elapsedMs * SLOW_START_STEPS) / slowStartMs) + 1);
}
