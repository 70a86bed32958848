/** Asks the running daemons of one instance for a list, over their unix sockets. */
import { request } from 'node:http';
import { CONTINUE_HEADER, TOTAL_HEADER } from '../control/api/app.ts';
import { CommandError, UsageError } from './command.ts';

export type Daemon = 'balancer' | 'agent';
export type Row = Readonly<Record<string, unknown>>;

export interface Sources {
  readonly instance: string;
  /** Ask this socket alone. */
  readonly socket: string | undefined;
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

// A daemon answers from memory and maps; if it takes longer, it hangs.
const ANSWER_TIMEOUT_MS = 5_000;
/** As many as a daemon gives at a time. */
const PAGE_ROWS = 2_000;

/**
 * The rows of every daemon that runs and knows the resource. Rows carry `daemon`
 * when the socket's owner is known, so that lists of both can be told apart.
 */
export async function ask(resource: string, sources: Sources): Promise<Listing> {
  const sockets =
    sources.socket === undefined
      ? sources.daemons.map((daemon) => ({ daemon, path: socketOf(sources.instance, daemon) }))
      : [{ daemon: undefined, path: sources.socket }];
  const answers = await Promise.all(
    sockets.map(async (socket) => ({
      ...socket,
      answer: await getPages(socket.path, resource, sources),
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

export function socketOf(instance: string, daemon: Daemon): string {
  return `/run/fullnat/${instance}/${daemon}.sock`;
}

function nobodyAnswers(
  resource: string,
  { instance, socket, daemons }: Sources,
  paths: readonly string[],
) {
  if (socket !== undefined)
    return `no daemon answers at ${socket}: there is no such socket; start the daemon, or give the right --socket`;
  const start = daemons.map((daemon) => `\`fullnat ${daemon} -c FILE\``).join(' or ');
  return (
    `no ${daemons.join(' or ')} of instance "${instance}" is running, so there is nothing to say about ${resource}\n` +
    `  looked for: ${paths.join(', ')}\n` +
    `  start one with ${start}, or name another instance with --instance NAME`
  );
}

/** Page by page, until there are as many rows as are wanted, or no more. */
async function getPages(
  socketPath: string,
  resource: string,
  { limit, query = {} }: Pick<Sources, 'limit' | 'query'>,
): Promise<Answer> {
  const page = (more: Readonly<Record<string, string>>) => {
    const words = new URLSearchParams({ ...query, ...more }).toString();
    return get(socketPath, `/v1/${resource}${words === '' ? '' : `?${words}`}`);
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

function get(socketPath: string, path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const failed = (why: string) => resolve({ kind: 'failed', why });
    const asked = request(
      {
        socketPath,
        path,
        headers: { host: 'fullnat', accept: 'application/json' },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', (error) => failed(error.message));
        response.on('end', () => {
          const headers = {
            total: response.headers[TOTAL_HEADER],
            next: response.headers[CONTINUE_HEADER],
          };
          const body = Buffer.concat(chunks).toString('utf8');
          resolve(understand(response.statusCode ?? 0, body, headers));
        });
      },
    );
    asked.setTimeout(ANSWER_TIMEOUT_MS, () => {
      failed(`no answer within ${ANSWER_TIMEOUT_MS / 1_000} s`);
      asked.destroy();
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const why = explain(error);
      resolve(why === undefined ? { kind: 'absent' } : { kind: 'failed', why });
    });
    asked.end();
  });
}

/** Undefined when there is simply no such socket. */
function explain(error: NodeJS.ErrnoException): string | undefined {
  switch (error.code) {
    case 'ENOENT':
      return undefined;
    case 'ECONNREFUSED':
      return 'the socket is there but no daemon listens on it: it was stopped or killed; start it again';
    case 'EACCES':
      return 'permission denied; run as root, or as a member of the group that owns the socket';
    default:
      return error.message;
  }
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
