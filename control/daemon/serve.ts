/** The life of a daemon from the moment its data path works: answer until told to stop. */
import { detachInstance } from '../../datapath/binding/attach.ts';
import type { Holder, Role } from '../../datapath/binding/pins.ts';
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

/** Where a daemon's questions come in. */
export type Door = {
  /** Lets the questions in that wait, and those to come; resolves when the daemon is to stop. */
  answerUntilStopped(resources: Resources): Promise<void>;
};

/** One daemon of a role and instance at a time: the others are refused before they touch anything. */
export async function behindDoor(
  role: Role,
  instance: string,
  { log, signal }: Pick<DaemonOptions, 'log' | 'signal'>,
  work: (door: Door) => Promise<void>,
): Promise<void> {
  let open: (app: ReturnType<typeof createApp>) => void = () => {};
  const app = new Promise<ReturnType<typeof createApp>>((resolve) => (open = resolve));
  const server = await listen(app, instance, role);
  const answerUntilStopped = async (resources: Resources) => {
    const onError = (error: unknown, path: string) =>
      log.error({ path, error: messageOf(error) }, 'a request could not be answered');
    open(createApp(resources, onError));
    log.info({ role, instance, socket: socketPath(instance, role) }, 'ready');
    await aborted(signal);
  };
  try {
    await work({ answerUntilStopped });
  } finally {
    await close(server, instance, role);
  }
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
  const holders: readonly Holder[] = role === 'agent' ? ['agent', 'socket'] : [role];
  const { filters, links, pins, sessionsEnded } = await detachInstance(instance, holders);
  log.info(
    { role, instance, filters, links, pins, sessionsEnded },
    'stopped; the data path is removed',
  );
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
