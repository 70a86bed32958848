/** Asks the running daemons of one instance, or one elsewhere, for a list. */
import { existsSync } from 'node:fs';
import { CONTINUE_HEADER, TOTAL_HEADER } from '../control/api/app.ts';
import { runRoots, surroundings } from '../control/api/run-root.ts';
import { callApi, type Target } from './api/call.ts';
import { formatTarget } from './api/target.ts';
import { CommandError, UsageError } from './command.ts';

export type Daemon = 'balancer' | 'agent';
export type Row = Readonly<Record<string, unknown>>;

export interface Sources {
  readonly instance: string;
  /** Ask this daemon alone. */
  readonly target: Target | undefined;
  /** Which daemons know the resource. */
  readonly daemons: readonly Daemon[];
  /** How many rows each is asked for; absent: as many as it gives by itself. */
  readonly limit?: number;
  /** Further parameters, as the daemon has them. */
  readonly query?: Readonly<Record<string, string>>;
}

export interface Listing {
  readonly rows: readonly Row[];
  /** How many there are, shown or not. */
  readonly total: number;
}

type Answer =
  | ({ kind: 'rows'; next: string | undefined } & Listing)
  | { kind: 'absent' } // no such socket
  | { kind: 'unknown-resource' }
  | { kind: 'bad-request'; why: string } // of ours: a parameter that means nothing
  | { kind: 'failed'; why: string };

/** As many as a daemon gives at a time. */
const PAGE_ROWS = 2_000;

/**
 * The rows of every daemon that runs and knows the resource. Rows carry `daemon`
 * when the socket's owner is known, so that lists of both can be told apart.
 */
export async function ask(resource: string, sources: Sources): Promise<Listing> {
  const sockets =
    sources.target === undefined
      ? sources.daemons.map((daemon) => askable(socketTarget(sources.instance, daemon), daemon))
      : [askable(sources.target, undefined)];
  const answers = await Promise.all(
    sockets.map(async (socket) => ({
      ...socket,
      answer: await getPages(socket.target, resource, sources),
    })),
  );

  const misread = answers.find(({ answer }) => answer.kind === 'bad-request')?.answer;
  if (misread?.kind === 'bad-request') throw new UsageError(misread.why);
  const failed = answers.flatMap(({ path, answer }) =>
    answer.kind === 'failed' ? [`${path}: ${answer.why}`] : [],
  );
  if (failed.length > 0) throw new CommandError(failed.join('\nfullnat: '));

  const answered = answers.flatMap(({ daemon, answer }) =>
    answer.kind === 'rows'
      ? [answer.rows.map((row) => (daemon === undefined ? row : { daemon, ...row }))]
      : [],
  );
  if (answered.length > 0)
    return {
      rows: answered.flat(),
      total: answers.reduce(
        (sum, { answer }) => sum + (answer.kind === 'rows' ? answer.total : 0),
        0,
      ),
    };

  const refusing = answers.find(({ answer }) => answer.kind === 'unknown-resource');
  if (refusing !== undefined)
    throw new CommandError(
      refusing.daemon === undefined
        ? `the daemon at ${refusing.path} knows no ${resource}; ` +
            `they are known to: ${sources.daemons.join(', ')}`
        : `the ${refusing.daemon} of instance "${sources.instance}" has no ${resource}; ` +
            `see its mode with \`fullnat get info --instance ${sources.instance}\``,
    );
  throw new CommandError(
    nobodyAnswers(
      resource,
      sources,
      sockets.map(({ path }) => path),
    ),
  );
}

/** The user's own daemon, or else the machine's. */
export function socketOf(instance: string, daemon: Daemon): string {
  const paths = runRoots(surroundings()).map((root) => `${root}/${instance}/${daemon}.sock`);
  return paths.find((path) => existsSync(path)) ?? paths.at(-1) ?? '';
}

function askable(target: Target, daemon: Daemon | undefined) {
  return { daemon, target, path: formatTarget(target) };
}

function socketTarget(instance: string, daemon: Daemon): Target {
  return { kind: 'socket', path: socketOf(instance, daemon) };
}

function nobodyAnswers(
  resource: string,
  { instance, target, daemons }: Sources,
  paths: readonly string[],
) {
  if (target !== undefined)
    return `no daemon answers at ${formatTarget(target)}: there is no such socket; start the daemon, or give the right --socket`;
  const start = daemons.map((daemon) => `\`fullnat ${daemon} -c FILE\``).join(' or ');
  return (
    `no ${daemons.join(' or ')} of instance "${instance}" is running, so there is nothing to say about ${resource}\n` +
    `  looked for: ${paths.join(', ')}\n` +
    `  start one with ${start}, or name another instance with --instance NAME`
  );
}

/** Page by page, until there are as many rows as are wanted, or no more. */
async function getPages(
  target: Target,
  resource: string,
  { limit, query = {} }: Pick<Sources, 'limit' | 'query'>,
): Promise<Answer> {
  const page = (more: Readonly<Record<string, string>>) => {
    const words = new URLSearchParams({ ...query, ...more }).toString();
    return get(target, `/v1/${resource}${words === '' ? '' : `?${words}`}`);
  };
  if (limit === undefined) return page({});
  const first = await page({ limit: String(Math.min(limit, PAGE_ROWS)) });
  if (first.kind !== 'rows') return first;
  const rows = [...first.rows];
  for (let { next } = first; next !== undefined && rows.length < limit;) {
    const size = Math.min(limit - rows.length, PAGE_ROWS);
    const answer = await page({ limit: String(size), continue: next });
    if (answer.kind !== 'rows') return answer;
    rows.push(...answer.rows);
    next = answer.next;
  }
  return { ...first, rows, total: Math.max(first.total, rows.length) };
}

async function get(target: Target, path: string): Promise<Answer> {
  const answer = await callApi(target, { method: 'GET', path });
  if (answer.kind !== 'answer') return answer;
  const { status, body, headers } = answer;
  return understand(status, body, { total: headers[TOTAL_HEADER], next: headers[CONTINUE_HEADER] });
}

/** The body is a list of objects, or on failure `{ "error": "…" }`. */
function understand(
  status: number,
  body: string,
  { total, next }: { total: unknown; next: unknown },
): Answer {
  if (status === 404) return { kind: 'unknown-resource' };
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { kind: 'failed', why: `answered ${status} with something that is not JSON` };
  }
  if (status !== 200) {
    const message = isRow(value) && typeof value['error'] === 'string' ? value['error'] : body;
    if (status === 400) return { kind: 'bad-request', why: message };
    return { kind: 'failed', why: `answered ${status}: ${message}` };
  }
  if (!Array.isArray(value) || !value.every(isRow))
    return { kind: 'failed', why: 'answered with something that is not a list of objects' };
  return {
    kind: 'rows',
    rows: value,
    total: typeof total === 'string' ? Number(total) : value.length,
    next: typeof next === 'string' ? next : undefined,
  };
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
