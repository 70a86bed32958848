/** The life of a daemon from the moment its data path works: answer until told to stop. */
import type { Hono } from 'hono';
import { detachInstance } from '../../datapath/binding/attach.ts';
import type { Holder, Role } from '../../datapath/binding/pins.ts';
import { createApp } from '../api/app.ts';
import { admission } from '../api/admit.ts';
import { auditLog } from '../api/audit.ts';
import { EventFeed } from '../api/event-feed.ts';
import { FEED_ROUTES, feedHandlers } from '../api/feed-routes.ts';
import type { EventRow } from '../api/rows.ts';
import type { History } from './history.ts';
import { bind, type Bound } from '../api/route.ts';
import { TlsDoor } from '../api/tls-door.ts';
import { TOKEN_ROUTES, tokenHandlers } from '../api/token-routes.ts';
import type { ApiConfig } from '../config/api.ts';
import { TokenStore } from '../state/tokens.ts';
import { close, listen, socketPath } from '../api/socket.ts';
import { packageVersion } from './counters.ts';
import { messageOf } from './failure.ts';
import type { Log } from './log.ts';
import {
  Configurator,
  type ConfigSource,
  type ReloadState,
  type Taken,
} from '../reconcile/configurator.ts';
import { NO_DRIFT, type Drift } from '../reconcile/drift.ts';
import { configHandlers } from '../reconcile/handlers.ts';
import { CONFIG_ROUTES } from '../api/config-routes.ts';
import { stateDirectory } from '../state/directory.ts';
import { supervised, type Supervisor } from './supervisor.ts';
import { Revisions } from '../state/revisions.ts';

export type DaemonOptions<C> = {
  /** As the user named it. */
  readonly configFile: string;
  readonly log: Log;
  /** What must outlive the daemon is kept below it. */
  readonly stateRoot: string;
  /** Aborted when the daemon is to stop. */
  readonly signal: AbortSignal;
  /** Told when it is ready, reloads, stops, and that it is alive. */
  readonly supervisor: Supervisor;
  /** Take programs and maps away when it stops. */
  readonly detachOnExit: boolean;
  /** Who asks for the file to be read again, and how it is read. */
  readonly source: ConfigSource<C>;
  /** What the daemon's file said at the start, and what it is to begin with. */
  readonly fileText: string;
  readonly first: Taken<C>;
};

/** What a daemon's role does with a configuration. */
export type Work<C> = {
  /** Rejects when it cannot be had; changes nothing. */
  readonly check: (config: C) => void | Promise<void>;
  /** Brings everything to it, from wherever an earlier attempt left it. */
  readonly apply: (config: C) => Promise<void>;
  /** Called all the time: what else has to be looked after. */
  readonly follow?: () => void;
  /** What people changed beside the file. */
  readonly drift?: Drift;
  /** What happens. */
  readonly events?: History<EventRow>;
  readonly routes: (reload: () => ReloadState) => readonly Bound[];
};

/** An interface that is made anew has no program for so long; a look costs some 50 µs. */
const FOLLOW_MS = 250;

/** Where a daemon's questions come in. */
export type Door = {
  /** Lets the questions in that wait, and those to come. */
  open(app: Hono): void;
  readonly app: Promise<Hono>;
};

/** What every role's configuration has. */
type Common = { readonly instance: string; readonly api?: ApiConfig | undefined };

/** One daemon of a role and instance at a time: the others are refused before they touch anything. */
export async function behindDoor(
  role: Role,
  instance: string,
  work: (door: Door) => Promise<void>,
): Promise<void> {
  let open: (app: Hono) => void = () => {};
  const app = new Promise<Hono>((resolve) => (open = resolve));
  const server = await listen(app, instance, role);
  try {
    await work({ open: (ready) => open(ready), app });
  } finally {
    await close(server, instance, role);
  }
}

/** With the configuration in force: answers, reloads and looks after things until the daemon is to stop. */
export async function keepWorking<C extends Common>(
  role: Role,
  { log, source: given, supervisor, stateRoot, first, fileText, signal }: DaemonOptions<C>,
  { check, apply, follow = () => {}, drift = NO_DRIFT, events, routes }: Work<C>,
  door: Door,
): Promise<void> {
  const { instance } = first.config;
  const directory = stateDirectory(stateRoot, instance, role);
  const source = { ...given, requests: supervised(given.requests, supervisor) };
  const tokens = new TokenStore(directory, Date.now);
  const feed = new EventFeed(Date.now().toString(36));
  events?.onAdd((event) => feed.add(event));
  const tls = new TlsDoor({ app: door.app, tokens, log });
  const configurator: Configurator<C> = new Configurator<C>(
    {
      ...{ source, log, nowMs: Date.now, revisions: new Revisions(directory) },
      check: async (wanted) => {
        tls.check(wanted.api);
        await check(wanted);
      },
      apply: async (wanted) => {
        await apply(wanted);
        await tls.follow(wanted.api);
      },
      onRevision: ({ at, revision, who, how }) => {
        const row = { time: at, type: 'config', revision, who, how } as const;
        if (events === undefined) feed.add(row);
        else events.add(row);
      },
      /* certificates may have been renewed where they are */
      onReload: () => tls.follow(configurator.current.config.api),
    },
    first,
    fileText,
  );
  const app = createApp(
    [
      ...routes(() => configurator.state),
      ...bind(CONFIG_ROUTES, configHandlers(configurator, drift)),
      ...bind(FEED_ROUTES, feedHandlers(feed)),
      ...bind(TOKEN_ROUTES, tokenHandlers(tokens)),
    ],
    {
      onError: (error, path) =>
        log.error({ path, error: messageOf(error) }, 'a request could not be answered'),
      admit: admission({
        tokens,
        api: () => configurator.current.config.api,
        nowMs: () => performance.now(),
      }),
      ...{ title: `fullnat ${role}`, version: packageVersion() },
      audit: auditLog({ directory, nowMs: Date.now, log }),
    },
  );
  const stop = new AbortController();
  const timer = setInterval(follow, FOLLOW_MS);
  const reloads = configurator.run(stop.signal);
  try {
    await tls.follow(first.config.api);
    door.open(app);
    log.info({ role, instance, socket: socketPath(instance, role) }, 'ready');
    supervisor.ready();
    supervisor.keepAlive(signal);
    await aborted(signal);
    supervisor.stopping();
  } finally {
    stop.abort();
    clearInterval(timer);
    feed.close();
    await tls.close();
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
