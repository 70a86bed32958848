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
 * A backend that flaps is held: down, whatever its checks say (flapping.ts).
 */
import type { BackendState } from '../api/rows.ts';
import { formatDurationMs } from '../config/duration.ts';
import type { BackOffConfig, FlappingConfig } from '../config/health.ts';
import { CALM, fallen, isHeld, type Flaps } from './flapping.ts';

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
  /** While down: checks in a row that said so again. */
  readonly failures: number;
  /** Of the last check, null when it succeeded; while down, why. */
  readonly reason: string | null;
  readonly flaps: Flaps;
};

export type Limits = {
  readonly rise: number;
  readonly fall: number;
  readonly flapping: FlappingConfig;
};

export type Pauses = {
  readonly intervalMs: number;
  readonly backOff: BackOffConfig;
};

/** Since 1970, and since some moment on a clock that never jumps. */
export type Moment = { readonly nowMs: number; readonly steadyMs: number };

export function unchecked(nowMs: number): Health {
  return { ...begin('unchecked', nowMs, CALM), isUsed: true };
}

export function checking(nowMs: number, isUsed: boolean): Health {
  return { ...begin('checking', nowMs, CALM), isUsed };
}

export function step(health: Health, result: CheckResult, limits: Limits, now: Moment): Health {
  const reason = result.ok ? null : result.reason;
  switch (health.state) {
    case 'unchecked':
      return health;
    case 'checking':
      if (!health.isUsed)
        return result.ok ? succeed(health, limits, now) : down(health.flaps, reason, now);
      return result.ok ? up(health, now) : fail(health, reason, limits, now);
    case 'up':
      return result.ok ? { ...health, streak: 0, reason } : fail(health, reason, limits, now);
    case 'down':
      return result.ok
        ? succeed(health, limits, now)
        : {
            ...{ ...health, streak: 0, failures: health.failures + 1 },
            reason: isHeld(health.flaps, now.steadyMs) ? health.reason : reason,
          };
  }
}

/** From the beginning of one check to that of the next; an answer ends the back-off at once. */
export function pauseMs(
  { state, streak, failures }: Health,
  { intervalMs, backOff: { after, mostMs } }: Pauses,
): number {
  if (state !== 'down' || streak > 0 || failures < after) return intervalMs;
  return Math.max(intervalMs, Math.min(mostMs, intervalMs * 2 ** (failures - after + 1)));
}

function fail(
  health: Health,
  reason: string | null,
  { fall, flapping }: Limits,
  now: Moment,
): Health {
  const streak = health.streak + 1;
  if (streak < fall) return { ...health, streak, reason };
  return down(fallen(health.flaps, flapping, now.steadyMs), reason, now);
}

/** The reason of being down stays until it is up. */
function succeed(health: Health, { rise }: Limits, now: Moment): Health {
  const streak = health.streak + 1;
  const stays = streak < rise || isHeld(health.flaps, now.steadyMs);
  return stays ? { ...health, streak, failures: 0 } : up(health, now);
}

function up({ flaps }: Health, { nowMs }: Moment): Health {
  return { ...begin('up', nowMs, flaps), isUsed: true };
}

function down(flaps: Flaps, reason: string | null, { nowMs, steadyMs }: Moment): Health {
  const held = formatDurationMs(Math.round(flaps.heldUntilMs - steadyMs));
  return {
    ...begin('down', nowMs, flaps),
    isUsed: false,
    reason: isHeld(flaps, steadyMs) ? `flapping, held down for ${held}: ${reason}` : reason,
  };
}

function begin(state: HealthState, sinceMs: number, flaps: Flaps): Omit<Health, 'isUsed'> {
  return { state, sinceMs, streak: 0, failures: 0, reason: null, flaps };
}
