/** Checks one backend again and again, and reports its health after each check. */
import type { Endpoint } from '../../packet/address.ts';
import { pauseMs, step, type CheckResult, type Health, type Limits, type Pauses } from './state.ts';

/** Time, as the checker needs it; tests have one of their own. */
export interface Clock {
  /** Since 1970; jumps when somebody sets the machine's clock. */
  nowMs(): number;
  /** Since some moment; never jumps. */
  steadyMs(): number;
  /** Resolves early, without an error, when the signal aborts. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}

/** Tries to connect; never rejects. */
export type Connector = (
  target: Endpoint,
  timeoutMs: number,
  signal: AbortSignal,
) => Promise<CheckResult>;

export type CheckOptions = Limits &
  Pauses & {
    readonly target: Endpoint;
    readonly timeoutMs: number;
  };

export type CheckerParts = {
  readonly connect: Connector;
  readonly clock: Clock;
  /** In 0..1, for jitter. */
  readonly random: () => number;
  readonly onHealth: (health: Health, check: Checked) => void;
};

/** One check that came to its end. */
export type Checked = {
  /** Milliseconds since 1970: when it ended. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly result: CheckResult;
};

/** Checks drift apart by ending their interval up to this part early, never late. */
const JITTER = 0.05;

/**
 * Runs until the signal aborts. A backend that refuses connections is out of use at
 * most interval × fall after it stopped; one that is silent, interval × fall + timeout
 * (timeout × (fall + 1), should the timeout be longer than the interval). One that is back
 * is in use again at most interval × rise later; after a long time, when the back-off has
 * made pauses longer, its most + interval × (rise - 1).
 */
export async function checkRepeatedly(
  { connect, clock, random, onHealth }: CheckerParts,
  options: CheckOptions,
  start: Health,
  signal: AbortSignal,
): Promise<void> {
  let health = start;
  while (!signal.aborted) {
    const beganMs = clock.steadyMs();
    const result = await connect(options.target, options.timeoutMs, signal);
    if (signal.aborted) return;
    const atMs = clock.nowMs();
    const steadyMs = clock.steadyMs();
    health = step(health, result, options, { nowMs: atMs, steadyMs });
    onHealth(health, { atMs, tookMs: steadyMs - beganMs, result });
    const untilMs = beganMs + pauseMs(health, options) * (1 - JITTER * random());
    await clock.sleep(Math.max(0, untilMs - clock.steadyMs()), signal);
  }
}
