/** A daemon's whole API, with a configuration and weights in memory instead of a kernel. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { balancerDrift } from '../../balancer/drift.ts';
import { changeBackend } from '../../balancer/change-backend.ts';
import { readBalancerConfig } from '../../config/read.ts';
import { ConfigError } from '../../config/problem.ts';
import { BALANCER } from '../../config/samples.ts';
import type { BalancerConfig } from '../../config/balancer.ts';
import { Configurator } from '../../reconcile/configurator.ts';
import { configHandlers } from '../../reconcile/handlers.ts';
import { Revisions } from '../../state/revisions.ts';
import { RuntimeStore } from '../../state/runtime.ts';
import { TokenStore } from '../../state/tokens.ts';
import { admission } from '../admit.ts';
import { createApp } from '../app.ts';
import { CONFIG_ROUTES } from '../config-routes.ts';
import { EventFeed } from '../event-feed.ts';
import { FEED_ROUTES, feedHandlers } from '../feed-routes.ts';
import { bind, type Bound } from '../route.ts';
import { BALANCER_ROUTES } from '../routes.ts';
import { TOKEN_ROUTES, tokenHandlers } from '../token-routes.ts';
import { SERVER_LIMITS } from '../socket.ts';

export type StandIn = {
  readonly path: string;
  /** All that could have been changed, as one text. */
  readonly state: () => string;
  readonly errors: readonly string[];
  readonly close: () => Promise<void>;
};

const NO_LIMIT = { perSecond: 1e9, burst: 1e9 };
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function standIn(): Promise<StandIn> {
  const directory = mkdtempSync(join(tmpdir(), 'fullnat-fuzz-'));
  const path = join(directory, 'api.sock');
  const errors: string[] = [];
  const runtime = new RuntimeStore({ directory, nowMs: () => 0 });
  const tokens = new TokenStore(directory, () => 0);
  const feed = new EventFeed('a');
  const interpret = async (text: string, file: string): Promise<BalancerConfig> => {
    const read = readBalancerConfig(text, { file });
    if (!read.ok) throw new ConfigError(read.problems);
    return read.config;
  };
  const first = { config: await interpret(BALANCER, 'lb.yaml'), text: BALANCER };
  const source = {
    requests: { asked: async () => false },
    file: 'lb.yaml',
    read: async () => BALANCER,
    interpret,
  };
  const configurator = new Configurator<BalancerConfig>(
    {
      ...{ source, check: () => {}, apply: async () => {}, log: QUIET, nowMs: () => 0 },
      revisions: new Revisions(directory),
    },
    first,
    BALANCER,
  );
  const wanted = () => configurator.current.config;
  const app = createApp(
    [
      ...lists(),
      ...bind(
        { changeBackend: BALANCER_ROUTES.changeBackend },
        {
          changeBackend: ({ parts, query, body, who }) =>
            changeBackend(wanted(), runtime, { ...parts, ...query }, body, who.name),
        },
      ),
      ...bind(CONFIG_ROUTES, configHandlers(configurator, balancerDrift(wanted, runtime))),
      ...bind(FEED_ROUTES, feedHandlers(feed)),
      ...bind(TOKEN_ROUTES, tokenHandlers(tokens)),
    ],
    {
      onError: (error) => errors.push(error instanceof Error ? (error.stack ?? '') : String(error)),
      admit: admission({
        ...{ tokens, api: () => undefined, nowMs: () => 0 },
        rates: { local: NO_LIMIT, remote: NO_LIMIT, failures: NO_LIMIT },
      }),
    },
  );
  const listener = getRequestListener(app.fetch);
  const server = createServer(SERVER_LIMITS, (...exchange) => void listener(...exchange));
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  return {
    ...{ path, errors },
    state: () =>
      JSON.stringify([
        configurator.state.configRevision,
        configurator.current.text,
        runtime.all(),
        runtime.drainAll,
        tokens.all(),
      ]),
    close: async () => {
      feed.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      rmSync(directory, { recursive: true });
    },
  };
}

/** Their parameters are read as a daemon reads them; there are no rows. */
function lists(): readonly Bound[] {
  return Object.entries(BALANCER_ROUTES)
    .filter(([, route]) => route.answer.kind === 'list')
    .map(([name, route]) => ({ name, route, handle: () => ({ rows: [] }) }));
}
