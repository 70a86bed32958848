/** `fullnat get`: lists what the running daemons know. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  argument,
  command,
  CommandError,
  flag,
  option,
  optionOr,
  UsageError,
  type Context,
} from '../command.ts';
import { namedTarget, targetOptions } from '../api/target.ts';
import { choice } from '../choice.ts';
import { ask, type Listing, type Row } from '../daemons.ts';
import { asYaml, readFormat, type Format } from '../output/format.ts';
import { asJson, asJsonLine } from '../output/json.ts';
import { fitted } from '../output/screen.ts';
import { table } from '../output/table.ts';
import { printable } from '../output/style.ts';
import { nameOf, RESOURCES, type Resource, type ResourceName } from '../resources.ts';
import { Changes } from '../watch-changes.ts';

const NAMES = Object.keys(RESOURCES) as ResourceName[];
/** Read in pages; more is for programs, which ask the daemon themselves. */
const LIMIT_MOST = 1_000_000;
const REDRAW_MS = 1_000;
const HOME_AND_CLEAR = '\u001b[H\u001b[J';

export const get = command({
  name: 'get',
  summary: 'List what the running daemons know: sessions, backends, collisions, drops, …',
  details:
    'Asks the balancer and the agent of one instance, whichever run on this machine.\n\n' +
    'With --watch the list is drawn anew every second on a terminal; in a pipe what is there comes\n' +
    'first, then one line for each change: + new, ~ changed, - gone (jsonl: the field `change`).\n' +
    'JSON is one line a second, YAML one document a second.',
  arguments: {
    resource: argument('<resource>', NAMES.join(', '), choice('resource', NAMES)),
  },
  options: {
    watch: flag('-w, --watch', 'show again every second until Ctrl-C'),
    output: optionOr(
      '-o, --output <format>',
      'table, wide, json, jsonl, yaml or name',
      readFormat,
      'table',
    ),
    ...targetOptions,
    limit: option(
      '--limit <n>',
      'sessions, clients: at most so many of each daemon (default 1000)',
      readLimit,
    ),
    client: option('--client <address[:port]>', 'sessions of this client', (text) => text),
    listener: option('--listener <address[:port]>', 'sessions of this listener', (text) => text),
    backend: option('--backend <address[:port]>', 'sessions of this backend', (text) => text),
    local: option('--local <address[:port]>', 'sessions from this local', (text) => text),
    state: option('--state <state>', 'sessions in this state: established, …', (text) => text),
    kind: option('--kind <kind>', 'sessions of this kind: restored, direct, …', (text) => text),
    minAge: option('--min-age <duration>', 'sessions at least as old: 30s, 5m, 2h', (text) => text),
  },
  examples: [
    { command: 'fullnat get backends', does: 'which backends are up, and what they carry' },
    {
      command: 'fullnat get collisions --instance lab',
      does: 'which connections met, and what was done',
    },
    {
      command: 'fullnat get sessions --limit 100000 -o json',
      does: 'sessions for a program to read',
    },
    {
      command: 'fullnat get sessions --backend 10.0.98.79 --min-age 10m',
      does: 'what still keeps a server busy',
    },
    {
      command: 'fullnat get clients',
      does: 'who is behind the sockets of this host (agent in socket mode)',
    },
    { command: 'fullnat get drops -w', does: 'watch why packets are dropped' },
  ],
  handler: async ({ arguments: { resource }, options }, context) => {
    const spec: Resource = RESOURCES[resource];
    if (options.limit !== undefined && resource !== 'sessions' && resource !== 'clients')
      throw new UsageError(
        `--limit is for sessions and clients; ${resource} are always listed whole`,
      );
    const filters = filtersOf(options);
    if (Object.keys(filters).length > 0 && resource !== 'sessions')
      throw new UsageError(
        `--${dashed(Object.keys(filters)[0] ?? '')} is for sessions; ${resource} are always listed whole`,
      );
    const read = () =>
      ask(resource, {
        instance: options.instance,
        target: namedTarget(options),
        /* an agent knows no listeners */
        daemons: 'listener' in filters ? ['balancer'] : spec.daemons,
        query: filters,
        ...(options.limit === undefined ? {} : { limit: options.limit }),
      });
    const { stdout, stderr, signal } = context;
    if (!options.watch) {
      const listing = await read();
      stdout.write(render(resource, spec, listing.rows, options.output, context));
      stderr.write(whatIsMissing(resource, listing));
      return 0;
    }
    const changes = new Changes(spec, options.output);
    for (let round = 0; !signal.aborted; round++) {
      const rows = (round === 0 ? await read() : await readAgain(read, context))?.rows;
      if (rows !== undefined)
        stdout.write(
          inSequence(changes, rows, options.output, context, () =>
            render(resource, spec, rows, options.output, context),
          ),
        );
      await sleep(REDRAW_MS, undefined, { signal }).catch(() => {});
    }
    return 0;
  },
});

const FILTERS = ['client', 'listener', 'backend', 'local', 'state', 'kind', 'minAge'] as const;

/** Those that are given; what their words mean, the daemons know. */
function filtersOf(
  options: Readonly<Record<(typeof FILTERS)[number], string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = options[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Who watches wants to see a daemon come back, too: a failure is told, and the next second tried. */
async function readAgain(
  read: () => Promise<Listing>,
  { stderr }: Context,
): Promise<Listing | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    stderr.write(`fullnat: ${error.message}\n`);
    return undefined;
  }
}

function whatIsMissing(name: ResourceName, { rows, total }: Listing): string {
  if (total <= rows.length) return '';
  return `fullnat: ${rows.length} of ${total} ${name} shown; --limit ${total} shows all\n`;
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text) && Number(text) <= LIMIT_MOST) return Number(text);
  throw new UsageError(`bad --limit \`${text}\`; a whole number in 1..${LIMIT_MOST}`);
}

function inSequence(
  changes: Changes,
  rows: readonly Row[],
  format: Format,
  { stdout }: Context,
  block: () => string,
): string {
  if (stdout.isTerminal) return `${HOME_AND_CLEAR}${fitted(block(), stdout)}`;
  switch (format) {
    case 'json':
      return asJsonLine(rows);
    case 'yaml':
      return `---\n${block()}`;
    case 'jsonl':
    case 'name':
    case 'table':
    case 'wide':
      return changes.linesOf(rows);
  }
}

export function render(
  name: ResourceName,
  spec: Resource,
  rows: readonly Row[],
  format: Format,
  { stdout, stderr }: Pick<Context, 'stdout' | 'stderr'>,
): string {
  switch (format) {
    case 'json':
      return asJson(rows);
    case 'jsonl':
      return rows.map(asJsonLine).join('');
    case 'yaml':
      return asYaml(rows);
    case 'name':
      return rows.map((row) => `${printable(nameOf(spec, row))}\n`).join('');
    case 'table':
    case 'wide':
      break;
  }
  if (rows.length === 0) {
    if (!stdout.isTerminal) stderr.write(`fullnat: no ${name}\n`);
    return stdout.isTerminal ? `no ${name}\n` : '';
  }
  return split(rows)
    .map((group) => table(shownColumns(spec, group, format), group, stdout.style))
    .join('\n');
}

/** Those that some row has, and that the format shows. */
export function shownColumns(
  { columns }: Pick<Resource, 'columns'>,
  rows: readonly Row[],
  format: Format,
): Resource['columns'] {
  return columns.filter(
    ({ field, wide }) =>
      (format === 'wide' || wide !== true) && rows.some((row) => row[field] !== undefined),
  );
}

/** Sessions of a balancer and of an agent have different columns: one table each. */
function split(rows: readonly Row[]): (readonly Row[])[] {
  const shapes = new Map<boolean, Row[]>();
  for (const row of rows) {
    const isAgentSession = 'peer' in row;
    const group = shapes.get(isAgentSession) ?? [];
    group.push(row);
    shapes.set(isAgentSession, group);
  }
  return [...shapes.values()];
}
