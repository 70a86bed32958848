/** The map `settings` of both roles: what a configuration says about sessions, in ticks. */
import { randomBytes } from 'node:crypto';
import {
  SESSION_STATE,
  type SessionState,
  type Settings,
} from '../../datapath/binding/contract.ts';
import { ticksFromSeconds } from '../../datapath/binding/sessions.ts';
import type { SessionLimits, Timeouts } from '../config/common.ts';

const TIMEOUT_ENTRIES = 8;

export function settingsOf(
  { timeouts, sessions }: { timeouts: Timeouts; sessions: SessionLimits },
  secret: Settings['secret'],
  { localCount, clientSets }: Pick<Settings, 'localCount' | 'clientSets'>,
): Settings {
  return {
    secret,
    timeout: timeoutTicks(timeouts),
    sessionCapacity: sessions.capacity,
    openingMax: sessions.openingMax,
    localCount,
    clientSets,
  };
}

/** The secret of an instance stays as long as its maps: it orders the ports. */
export function keptSecret(
  { secret }: Pick<Settings, 'secret'>,
  fresh: () => Settings['secret'],
): Settings['secret'] {
  return secret.some((word) => word !== 0n) ? secret : fresh();
}

export function randomSecret(): Settings['secret'] {
  const bytes = randomBytes(16);
  return [bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8)];
}

function timeoutTicks(timeouts: Timeouts): number[] {
  const milliseconds: Partial<Record<SessionState, number>> = {
    opening: timeouts.openingMs,
    established: timeouts.establishedMs,
    closing: timeouts.closingMs,
    'time-wait': timeouts.timeWaitMs,
    reset: timeouts.resetMs,
  };
  const ticks = Array.from({ length: TIMEOUT_ENTRIES }, () => 0);
  for (const [state, ms] of Object.entries(milliseconds))
    ticks[SESSION_STATE[state as SessionState]] = ticksFromSeconds(ms / 1_000);
  return ticks;
}
