/** What a daemon tells whoever started it, as systemd has it (sd_notify(3)): ready, reloading, stopping, alive. */
import { sdNotify } from '../../datapath/binding/libsystemd.ts';
import type { ReloadRequests } from '../reconcile/configurator.ts';

export interface Supervisor {
  readonly ready: () => void;
  readonly reloading: () => void;
  readonly stopping: () => void;
  /** Says that the daemon is alive, as often as it is asked for, until `signal` aborts. */
  readonly keepAlive: (signal: AbortSignal) => void;
}

export type SupervisorParts = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly tell: (state: string) => void;
  readonly monotonicNs: () => bigint;
  readonly every: (milliseconds: number, action: () => void, signal: AbortSignal) => void;
};

/** Nobody is told anything: started by a person, or by a supervisor that does not ask. */
export const UNSUPERVISED: Supervisor = {
  ready: () => {},
  reloading: () => {},
  stopping: () => {},
  keepAlive: () => {},
};

export function thisSupervisor(): Supervisor {
  return supervisor({
    environment: process.env,
    pid: process.pid,
    tell: (state) => void sdNotify(state),
    monotonicNs: () => process.hrtime.bigint(),
    every: (milliseconds, action, signal) => {
      const timer = setInterval(action, milliseconds);
      signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    },
  });
}

export function supervisor({
  environment,
  pid,
  tell,
  monotonicNs,
  every,
}: SupervisorParts): Supervisor {
  if (!environment['NOTIFY_SOCKET']) return UNSUPERVISED;
  return {
    ready: () => tell('READY=1'),
    // The time tells this reload from an earlier one; systemd 253 and newer wait for it.
    reloading: () => tell(`RELOADING=1\nMONOTONIC_USEC=${monotonicNs() / 1_000n}`),
    stopping: () => tell('STOPPING=1'),
    keepAlive: (signal) => {
      const microseconds = Number(environment['WATCHDOG_USEC'] ?? 0);
      // Meant for another process: systemd-analyze and wrappers hand the variables on.
      const isMeant = [undefined, String(pid)].includes(environment['WATCHDOG_PID']);
      if (!(microseconds > 0) || !isMeant) return;
      // Half of it, as sd_watchdog_enabled(3) recommends: one may be late.
      every(microseconds / 2_000, () => tell('WATCHDOG=1'), signal);
    },
  };
}

/** Tells of each reload when it begins, and when the next is waited for: then it has ended. */
export function supervised(
  requests: ReloadRequests,
  { reloading, ready }: Supervisor,
): ReloadRequests {
  let isReloading = false;
  return {
    asked: async (signal) => {
      if (isReloading) ready();
      isReloading = await requests.asked(signal);
      if (isReloading) reloading();
      return isReloading;
    },
  };
}
