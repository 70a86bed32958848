/** The life of a daemon from the moment its data path works: answer until told to stop. */
import { detachInstance } from '../../datapath/binding/attach.ts';
import type { Role } from '../../datapath/binding/pins.ts';
import { createApp, type Resources } from '../api/app.ts';
import { close, listen, socketPath } from '../api/socket.ts';
import type { Log } from './log.ts';

export type DaemonOptions = {
  /** As the user named it. */
  readonly configFile: string;
  readonly log: Log;
  /** Aborted when the daemon is to stop. */
  readonly signal: AbortSignal;
  /** Take programs and maps away when it stops. */
  readonly detachOnExit: boolean;
};

export async function serveUntilStopped(
  role: Role,
  instance: string,
  resources: Resources,
  { log, signal }: Pick<DaemonOptions, 'log' | 'signal'>,
): Promise<void> {
  const app = createApp(resources, (error, path) =>
    log.error({ path, error: messageOf(error) }, 'a request could not be answered'),
  );
  const server = await listen(app, instance, role);
  log.info({ role, instance, socket: socketPath(instance, role) }, 'ready');
  await aborted(signal);
  await close(server, instance, role);
}

export async function sayGoodbye(
  role: Role,
  instance: string,
  { detachOnExit, log }: Pick<DaemonOptions, 'detachOnExit' | 'log'>,
): Promise<void> {
  if (!detachOnExit) {
    log.info(
      { role, instance },
      'stopped; the data path stays and goes on forwarding (fullnat detach removes it)',
    );
    return;
  }
  const { filters, pins, sessionsEnded } = await detachInstance(instance, [role]);
  log.info({ role, instance, filters, pins, sessionsEnded }, 'stopped; the data path is removed');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
