/** One thing and what belongs to it: what `fullnat describe` shows of each kind. */
import type { Target } from './api/call.ts';
import { CommandError, UsageError } from './command.ts';
import { ask, type Daemon, type Row } from './daemons.ts';
import { quantile, type Bucket } from './quantile.ts';
import { RESOURCES, type ResourceName } from './resources.ts';

export type Fact = { readonly label: string; readonly text: string };

export type Description = {
  /** Which list its row is of. */
  readonly resource: ResourceName;
  readonly row: Row;
  readonly more: readonly Fact[];
  readonly related: readonly Related[];
};

export type Related = {
  readonly heading: string;
  readonly resource: ResourceName;
  readonly rows: readonly Row[];
};

export type Where = { readonly instance: string; readonly target: Target | undefined };

export const KINDS = ['listener', 'backend', 'local', 'session', 'server'] as const;
export type Kind = (typeof KINDS)[number];

const SHOWN = 10;

/** Rejects with a UsageError when there is no such thing; more than one has the name of some. */
export async function describe(kind: Kind, name: string, where: Where): Promise<Description[]> {
  const found = await find(kind, name, where);
  if (found.length > 0) return Promise.all(found.map((row) => describeRow(kind, row, where)));
  const known = kind === 'session' ? [] : await namesOf(kind, where);
  const list = known.length === 0 ? '' : `; there are ${known.slice(0, SHOWN).join(', ')}`;
  throw new UsageError(`there is no ${kind} \`${name}\`${list}`);
}

const LISTS = {
  listener: 'listeners',
  backend: 'backends',
  local: 'locals',
  session: 'sessions',
  server: 'servers',
} as const satisfies Readonly<Record<Kind, ResourceName>>;

async function find(kind: Kind, name: string, where: Where): Promise<readonly Row[]> {
  if (kind === 'session') return findSessions(name, where);
  const rows = await rowsOf(LISTS[kind], where);
  const has = rows.filter((row) => wordsOf(row).includes(name));
  /* a local has a row for each backend */
  return kind === 'local' ? has.slice(0, 1) : has;
}

function wordsOf(row: Row): unknown[] {
  return [row['name'], row['address'], `${String(row['pool'])}/${String(row['address'])}`];
}

/** By the client's end, or by the local's. */
async function findSessions(name: string, where: Where): Promise<readonly Row[]> {
  const [end = name] = name.split('/');
  const byClient = await rowsOf('sessions', where, { client: end });
  return byClient.length > 0 ? byClient : rowsOf('sessions', where, { local: end });
}

async function namesOf(kind: Exclude<Kind, 'session'>, where: Where): Promise<string[]> {
  const rows = await rowsOf(LISTS[kind], where);
  return [...new Set(rows.map((row) => String(row['name'] ?? row['address'])))];
}

async function describeRow(kind: Kind, row: Row, where: Where): Promise<Description> {
  const address = String(row['address']);
  const common = { resource: LISTS[kind], row, more: [] };
  switch (kind) {
    case 'listener': {
      const [backends, sessions, events] = await Promise.all([
        rowsOf('backends', where),
        related('sessions', where, { listener: address }),
        related('events', where),
      ]);
      return {
        ...common,
        more: handshakeFacts(row),
        related: [
          {
            heading: `backends of pool ${String(row['pool'])}`,
            resource: 'backends',
            rows: backends.filter(({ pool }) => pool === row['pool']),
          },
          last('sessions', sessions),
          last(
            'events',
            events.filter(
              (event) => event['listener'] === address || event['pool'] === row['pool'],
            ),
          ),
        ],
      };
    }
    case 'backend': {
      const [locals, sessions, events] = await Promise.all([
        rowsOf('locals', where),
        related('sessions', where, { backend: address }, ['balancer']),
        related('events', where),
      ]);
      return {
        ...common,
        related: [
          {
            heading: 'ports towards it',
            resource: 'locals',
            rows: locals.filter(({ backend }) => backend === address),
          },
          last('sessions', sessions),
          last(
            'events',
            events.filter(({ backend }) => backend === address),
          ),
        ],
      };
    }
    case 'local': {
      const [locals, sessions] = await Promise.all([
        rowsOf('locals', where),
        related('sessions', where, { local: address }),
      ]);
      return {
        ...common,
        related: [
          {
            heading: 'towards each backend',
            resource: 'locals',
            rows: locals.filter((local) => local['address'] === address),
          },
          last('sessions', sessions),
        ],
      };
    }
    case 'session': {
      const backend = row['backend'] ?? row['server'];
      const [backends, others] = await Promise.all([
        related('backends', where),
        related('sessions', where, { client: String(row['client'] ?? row['peer']) }),
      ]);
      const isOther = (other: Row) => ('peer' in row ? 'client' in other : 'peer' in other);
      return {
        ...common,
        related: [
          {
            heading: 'its backend',
            resource: 'backends',
            rows: backends.filter((one) => one['address'] === backend),
          },
          {
            heading: 'the same connection at the other daemon',
            resource: 'sessions',
            rows: others.filter(isOther),
          },
        ],
      };
    }
    case 'server':
      return {
        ...common,
        related: [
          last('sessions', await related('sessions', where, { backend: address }, ['agent'])),
          last(
            'collisions',
            (await related('collisions', where)).filter(({ server }) => server === address),
          ),
        ],
      };
  }
}

function last(resource: 'sessions' | 'events' | 'collisions', rows: readonly Row[]): Related {
  const shown = rows.slice(-SHOWN);
  const heading = shown.length < rows.length ? `${resource}, ${SHOWN} of ${rows.length}` : resource;
  return { heading, resource, rows: shown };
}

function handshakeFacts(row: Row): Fact[] {
  const { buckets } = (row['handshakes'] ?? { buckets: [] }) as { buckets: readonly Bucket[] };
  return [0.5, 0.9, 0.99].flatMap((share) => {
    const bound = quantile(buckets, share);
    if (bound === undefined) return [];
    const text = bound === null ? 'more than 4 s' : `${Number((bound * 1_000).toPrecision(2))} ms`;
    return [{ label: `${share * 100} % of handshakes within`, text }];
  });
}

/** What is not there, because its daemon does not run here, is not shown. */
async function related(
  resource: ResourceName,
  where: Where,
  query: Readonly<Record<string, string>> = {},
  daemons?: readonly Daemon[],
): Promise<readonly Row[]> {
  try {
    return await rowsOf(resource, where, query, daemons);
  } catch (error) {
    if (error instanceof CommandError || error instanceof UsageError) return [];
    throw error;
  }
}

async function rowsOf(
  resource: ResourceName,
  { instance, target }: Where,
  query: Readonly<Record<string, string>> = {},
  daemons: readonly Daemon[] = 'listener' in query ? ['balancer'] : RESOURCES[resource].daemons,
): Promise<readonly Row[]> {
  return (await ask(resource, { instance, target, daemons, query })).rows;
}
