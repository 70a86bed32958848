/** The life of a daemon from the moment its data path works: answer until told to stop. */
import { detachInstance } from '../../datapath/binding/attach.ts';
import type { Holder, Role } from '../../datapath/binding/pins.ts';
import { createApp } from '../api/app.ts';
import type { Bound } from '../api/route.ts';
import { close, listen, socketPath } from '../api/socket.ts';
import { messageOf } from './failure.ts';
import type { Log } from './log.ts';
import { Reloader, type ReloadSource, type ReloadState } from './reload.ts';

export type DaemonOptions<C> = {
  /** As the user named it. */
  readonly configFile: string;
  readonly log: Log;
  /** What must outlive the daemon is kept below it. */
  readonly stateRoot: string;
  /** Aborted when the daemon is to stop. */
  readonly signal: AbortSignal;
  /** Take programs and maps away when it stops. */
  readonly detachOnExit: boolean;
  /** Who asks for the file to be read again, and how it is read. */
  readonly source: ReloadSource<C>;
};

/** What a daemon's role does with a configuration. */
export type Work<C> = {
  /** Rejects when it cannot be had; changes nothing. */
  readonly check: (config: C) => void | Promise<void>;
  /** Brings everything to it, from wherever an earlier attempt left it. */
  readonly apply: (config: C) => Promise<void>;
  /** Called all the time: what else has to be looked after. */
  readonly follow?: () => void;
  readonly routes: (reload: () => ReloadState) => readonly Bound[];
};

/** An interface that is made anew has no program for so long; a look costs some 50 µs. */
const FOLLOW_MS = 250;

/** Where a daemon's questions come in. */
export type Door = {
  /** Lets the questions in that wait, and those to come; resolves when the daemon is to stop. */
  answerUntilStopped(routes: readonly Bound[]): Promise<void>;
};

/** One daemon of a role and instance at a time: the others are refused before they touch anything. */
export async function behindDoor(
  role: Role,
  instance: string,
  { log, signal }: Pick<DaemonOptions<unknown>, 'log' | 'signal'>,
  work: (door: Door) => Promise<void>,
): Promise<void> {
  let open: (app: ReturnType<typeof createApp>) => void = () => {};
  const app = new Promise<ReturnType<typeof createApp>>((resolve) => (open = resolve));
  const server = await listen(app, instance, role);
  const answerUntilStopped = async (routes: readonly Bound[]) => {
    const onError = (error: unknown, path: string) =>
      log.error({ path, error: messageOf(error) }, 'a request could not be answered');
    open(createApp(routes, { onError }));
    log.info({ role, instance, socket: socketPath(instance, role) }, 'ready');
    await aborted(signal);
  };
  try {
    await work({ answerUntilStopped });
  } finally {
    await close(server, instance, role);
  }
}

/** With the configuration in force: answers, reloads and looks after things until the daemon is to stop. */
export async function keepWorking<C extends { readonly instance: string }>(
  config: C,
  { log, source }: Pick<DaemonOptions<C>, 'log' | 'source'>,
  { check, apply, follow = () => {}, routes }: Work<C>,
  door: Door,
): Promise<void> {
  const reloader = new Reloader({ source, check, apply, log }, config);
  const stop = new AbortController();
  const timer = setInterval(follow, FOLLOW_MS);
  const reloads = reloader.run(stop.signal);
  try {
    await door.answerUntilStopped(routes(() => reloader.state));
  } finally {
    stop.abort();
    clearInterval(timer);
    await reloads;
  }
}

export async function sayGoodbye(
  role: Role,
  instance: string,
  { detachOnExit, log }: Pick<DaemonOptions<unknown>, 'detachOnExit' | 'log'>,
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
