/**
 * What checks say about a backend: a pure step from state to state.
 *
 *              success            `fall` failures in a row
 *   checking ──────────▶ up ─────────────────────────────▶ down
 *      │                  ◀─────────────────────────────────┘ ▲
 *      │                       `rise` successes in a row      │
 *      └──────────────────────────────────────────────────────┘
 *                       `fall` failures in a row
 *
 * A backend whose state is not known yet is used at once: neither the start of a
 * daemon nor a new backend may cost connections, and one lost check proves nothing.
 * One exception: a daemon that is started again and finds that its predecessor had
 * taken the backend out of use leaves it out until `rise` checks have succeeded.
 */
import type { BackendState } from '../api/rows.ts';

/** What checks know; the rest is what people want. */
export type HealthState = Exclude<BackendState, 'draining' | 'disabled' | 'suspected'>;

export type CheckResult = { ok: true } | { ok: false; reason: string };

export type Health = {
  readonly state: HealthState;
  /** Gets new connections. */
  readonly isUsed: boolean;
  /** Milliseconds since 1970: when `state` began. */
  readonly sinceMs: number;
  /** Checks in a row that spoke against `state`; while checking: failures, or successes when out of use. */
  readonly streak: number;
  /** Of the last check, null when it succeeded. */
  readonly reason: string | null;
};

export type Limits = { readonly rise: number; readonly fall: number };

export function unchecked(nowMs: number): Health {
  return { state: 'unchecked', isUsed: true, sinceMs: nowMs, streak: 0, reason: null };
}

export function checking(nowMs: number, isUsed: boolean): Health {
  return { state: 'checking', isUsed, sinceMs: nowMs, streak: 0, reason: null };
}

export function step(health: Health, result: CheckResult, limits: Limits, nowMs: number): Health {
  const reason = result.ok ? null : result.reason;
  switch (health.state) {
    case 'unchecked':
      return health;
    case 'checking':
      if (health.isUsed) return result.ok ? up(nowMs) : fail(health, reason, limits, nowMs);
      return result.ok ? succeed(health, limits, nowMs) : down(reason, nowMs);
    case 'up':
      return result.ok ? { ...health, streak: 0, reason } : fail(health, reason, limits, nowMs);
    case 'down':
      return result.ok ? succeed(health, limits, nowMs) : { ...health, streak: 0, reason };
  }
}

function fail(health: Health, reason: string | null, { fall }: Limits, nowMs: number): Health {
  const streak = health.streak + 1;
  return streak >= fall ? down(reason, nowMs) : { ...health, streak, reason };
}

/** The reason of being down stays until it is up. */
function succeed(health: Health, { rise }: Limits, nowMs: number): Health {
  const streak = health.streak + 1;
  return streak >= rise ? up(nowMs) : { ...health, streak };
}

function up(nowMs: number): Health {
  return { state: 'up', isUsed: true, sinceMs: nowMs, streak: 0, reason: null };
}

function down(reason: string | null, nowMs: number): Health {
  return { state: 'down', isUsed: false, sinceMs: nowMs, streak: 0, reason };
}
