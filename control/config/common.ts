/** What the files of balancer and agent have in common: profiles, timeouts, session limits. */
import { duration, wholeNumber } from './values.ts';
import { object } from './shape.ts';

export interface Timeouts {
  readonly openingMs: number;
  readonly establishedMs: number;
  readonly closingMs: number;
  readonly timeWaitMs: number;
  readonly resetMs: number;
}

export interface SessionLimits {
  /** Entries of the session table. */
  readonly capacity: number;
  /** Half-open sessions; beyond it the oldest of them give way. */
  readonly openingMax: number;
}

export const PROFILES = ['lb', 'rfc5382'] as const;
export type Profile = (typeof PROFILES)[number];

/**
 * lb: what layer-4 balancers use; TIME_WAIT outlasts the server's 60 s. rfc5382: what
 * RFC 5382 asks of NATs (REQ-5: established 2 h 4 min, transitory 4 min).
 */
export const TIMEOUTS: Readonly<Record<Profile, Timeouts>> = {
  lb: {
    openingMs: 10_000,
    establishedMs: 900_000,
    closingMs: 120_000,
    timeWaitMs: 64_000,
    resetMs: 10_000,
  },
  rfc5382: {
    openingMs: 240_000,
    establishedMs: 7_440_000,
    closingMs: 240_000,
    timeWaitMs: 240_000,
    resetMs: 240_000,
  },
};

/**
 * The agent's for both profiles: it sees direct connections too, which no balancer
 * cuts, and must not forget one that its ends still hold.
 */
export const AGENT_ESTABLISHED_MS = 7_440_000;

const CAPACITY_DEFAULT = 262_144;
// Far below what a flood brings in one opening timeout, far above what clients need.
const OPENING_MAX_DEFAULT = 65_536;
// 2^24 sessions are several GiB of kernel memory.
export const CAPACITY_MAX = 16_777_216;

// The kernel looks at the clock of a session once a second.
const TIMEOUT_LEAST_MS = 1_000;
// Ticks are counted modulo 52 days; half of that can be told from the past.
const TIMEOUT_MOST_MS = 20 * 24 * 3_600_000;

const timeout = () => duration(TIMEOUT_LEAST_MS, TIMEOUT_MOST_MS).optional();

export const timeoutsSchema = () =>
  object({
    opening: timeout(),
    established: timeout(),
    closing: timeout(),
    timeWait: timeout(),
    reset: timeout(),
  }).optional();

export const sessionsSchema = () =>
  object({
    capacity: wholeNumber(1, CAPACITY_MAX, 'sizes').optional(),
    openingMax: wholeNumber(1, CAPACITY_MAX, 'sizes').optional(),
  }).optional();

type Given<T> = { readonly [K in keyof T]?: T[K] | undefined };

export function completeTimeouts(
  given:
    Given<Record<'opening' | 'established' | 'closing' | 'timeWait' | 'reset', number>> | undefined,
  defaults: Timeouts,
): Timeouts {
  return {
    openingMs: given?.opening ?? defaults.openingMs,
    establishedMs: given?.established ?? defaults.establishedMs,
    closingMs: given?.closing ?? defaults.closingMs,
    timeWaitMs: given?.timeWait ?? defaults.timeWaitMs,
    resetMs: given?.reset ?? defaults.resetMs,
  };
}

/** A small table keeps a quarter for half-open sessions unless told otherwise. */
export function completeSessions(given: Given<SessionLimits> | undefined): SessionLimits {
  const capacity = given?.capacity ?? CAPACITY_DEFAULT;
  const quarter = Math.max(1, Math.floor(capacity / 4));
  return { capacity, openingMax: given?.openingMax ?? Math.min(OPENING_MAX_DEFAULT, quarter) };
}
