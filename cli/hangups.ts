/** SIGHUP, as daemons have it: read the configuration again. */
import type { ReloadRequests } from '../control/reconcile/configurator.ts';

export type Hangups = ReloadRequests & { close(): void };

/** From now on SIGHUP does not end this process; several before somebody asks are one. */
export function hangups(): Hangups {
  let isPending = false;
  let wake: () => void = () => {};
  const hear = () => {
    isPending = true;
    wake();
  };
  process.on('SIGHUP', hear);
  const heardOr = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const abort = () => wake();
      wake = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      signal.addEventListener('abort', abort);
    });
  return {
    asked: async (signal) => {
      if (!isPending && !signal.aborted) await heardOr(signal);
      if (signal.aborted) return false;
      isPending = false;
      return true;
    },
    close: () => void process.off('SIGHUP', hear),
  };
}
