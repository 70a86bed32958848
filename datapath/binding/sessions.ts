/** Reads what the numbers of a session mean: its state, who closed it, how old it is. */
import {
  CLOSED_BY_BACK,
  CLOSED_BY_FRONT,
  SESSION_STATE,
  TICK_SHIFT,
  TICKS_MODULO,
  type SessionSlot,
  type SessionState,
} from './contract.ts';

const STATE_MASK = 0xff;
const NANOSECONDS_PER_TICK = 2 ** TICK_SHIFT;
const STATES = new Map(
  Object.entries(SESSION_STATE).map(([name, value]) => [value as number, name as SessionState]),
);

export function stateOf({ word }: Pick<SessionSlot, 'word'>): SessionState {
  const state = STATES.get(word & STATE_MASK);
  if (state === undefined) throw new RangeError(`${word & STATE_MASK} is no session state`);
  return state;
}

/** `front` is the client's side, `back` the server's. */
export function closedBy({ word }: Pick<SessionSlot, 'word'>): { front: boolean; back: boolean } {
  return { front: (word & CLOSED_BY_FRONT) !== 0, back: (word & CLOSED_BY_BACK) !== 0 };
}

/** Now, as the kernel programs tell it; `process.hrtime` reads the same clock. */
export function ticksNow(monotonicNanoseconds: bigint = process.hrtime.bigint()): number {
  return Number((monotonicNanoseconds >> BigInt(TICK_SHIFT)) % BigInt(TICKS_MODULO));
}

/** Rounded up, so that a timeout is never 0 unless asked to be. */
export function ticksFromSeconds(seconds: number): number {
  return Math.ceil((seconds * 1e9) / NANOSECONDS_PER_TICK);
}

/**
 * From `earlier` to `now`, across the wrap after 52 days. What lies up to a
 * quarter of the wrap ahead was written after `now` was read: 0.
 */
export function secondsSince(earlier: number, now: number): number {
  const ticks = (now - earlier + TICKS_MODULO) % TICKS_MODULO;
  return ticks > TICKS_MODULO * 0.75 ? 0 : (ticks * NANOSECONDS_PER_TICK) / 1e9;
}
