/** A backend that goes down too often is held down, each time for longer, until it stays as it is. */
import type { FlappingConfig } from '../config/health.ts';

/** Times are of a clock that never jumps. */
export type Flaps = {
  /** When it went down, of the last `within`. */
  readonly fallsMs: readonly number[];
  /** Holds that followed each other within `within`. */
  readonly holds: number;
  readonly heldUntilMs: number;
};

export const CALM: Flaps = { fallsMs: [], holds: 0, heldUntilMs: 0 };

/** Who falls again soon after a hold has ended is held at once, for twice as long. */
export function fallen(
  flaps: Flaps,
  { falls, withinMs, holdMs, mostMs }: FlappingConfig,
  nowMs: number,
): Flaps {
  if (falls === 0) return CALM;
  const fallsMs = [...flaps.fallsMs.filter((atMs) => nowMs - atMs < withinMs), nowMs];
  const isAgain = flaps.holds > 0 && nowMs - flaps.heldUntilMs < withinMs;
  if (!isAgain && fallsMs.length < falls) return { ...CALM, fallsMs };
  const holds = isAgain ? flaps.holds + 1 : 1;
  const heldUntilMs = nowMs + Math.min(mostMs, holdMs * 2 ** (holds - 1));
  return { fallsMs, holds, heldUntilMs };
}

export function isHeld({ heldUntilMs }: Flaps, nowMs: number): boolean {
  return nowMs < heldUntilMs;
}
