/** The HTTP interface of a daemon: every request is admitted, read, answered and, where it changes something, written down. */
import { randomUUID } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { ApiError } from './api-error.ts';
import { readBody } from './body.ts';
import { jsonBody, ROWS_PER_PIECE } from './json-stream.ts';
import { QueryError, readQuery } from './query.ts';
import { OPENAPI_ROUTES, openapiOf } from './openapi.ts';
import {
  bind,
  mayDo,
  type Asked,
  type Bound,
  type Extra,
  type Identity,
  type Listing,
  type Method,
  type Route,
} from './route.ts';

/** What the server knows of a connection, beside the request itself. */
export type Surroundings = unknown;

export type AuditEntry = {
  readonly requestId: string;
  readonly who: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly difference: readonly string[];
  readonly error?: string;
};

export type AppParts = {
  readonly onError: (error: unknown, path: string) => void;
  /** Who asks; throws ApiError where nobody may. Absent: everybody may do everything. */
  readonly admit?: (request: Request, surroundings: Surroundings) => Identity;
  /** Of the document that describes it. */
  readonly title?: string;
  readonly version?: string;
  /** Called for everything that changes something or was to, and for who is not let in. */
  readonly audit?: (entry: AuditEntry) => void;
};

/** How many rows match, when only some are shown. */
export const TOTAL_HEADER = 'x-fullnat-total';
/** Where the next page begins, when there is one. */
export const CONTINUE_HEADER = 'x-fullnat-continue';
export const REQUEST_ID_HEADER = 'x-request-id';

const NOBODY: Identity = { name: 'nobody', role: 'read' };
const EVERYBODY: Identity = { name: 'everybody', role: 'admin' };
const PART_MOST = 255;

export function createApp(bound: readonly Bound[], parts: AppParts): Hono {
  const app = new Hono();
  const described = withDescription(bound, parts);
  const byPath = groupedByPath(described);
  for (const [path, there] of byPath)
    app.all(path.replaceAll(/\{(\w+)\}/g, ':$1'), (c) => answer(c, there, parts));
  app.notFound((c) =>
    refused(
      c,
      new ApiError(404, `nothing is at ${c.req.path}; there are ${[...byPath.keys()].join(', ')}`),
    ),
  );
  app.onError((error, c) => {
    parts.onError(error, c.req.path);
    return refused(c, new ApiError(500, error.message));
  });
  return app;
}

/** What a daemon answers it says itself. */
function withDescription(bound: readonly Bound[], { title, version }: AppParts): readonly Bound[] {
  const all: Bound[] = [...bound];
  const description = () => openapiOf(all, { title: title ?? 'fullnat', version: version ?? '0' });
  all.push(...bind(OPENAPI_ROUTES, { openapi: () => ({ value: description() }) }));
  return all;
}

function groupedByPath(bound: readonly Bound[]): ReadonlyMap<string, readonly Bound[]> {
  const paths = new Set(bound.map(({ route }) => route.path));
  return new Map(
    [...paths].map((path) => [path, bound.filter(({ route }) => route.path === path)]),
  );
}

async function answer(c: Context, there: readonly Bound[], parts: AppParts): Promise<Response> {
  const { admit = () => EVERYBODY, audit = () => {}, onError } = parts;
  const requestId = randomUUID();
  c.header(REQUEST_ID_HEADER, requestId);
  let who = NOBODY;
  const tell = (status: number, difference: readonly string[], error?: string) => {
    const { method, path } = c.req;
    if (isReading(method) && status !== 401 && status !== 403) return;
    audit({
      ...{ requestId, who: who.name, method, path, status, difference },
      ...(error === undefined ? {} : { error }),
    });
  };
  try {
    who = admit(c.req.raw, c.env);
    const { route, handle } = chosen(c, there);
    if (!mayDo(who.role, route.role))
      throw new ApiError(403, `${who.name} may ${who.role}; this needs the role ${route.role}`);
    const asked = await readAsked(c, route, who, requestId);
    const reply = await handle(asked);
    const response = respond(c, route, reply);
    tell(response.status, (reply as Extra).difference ?? []);
    return response;
  } catch (error) {
    const refusal = asRefusal(error);
    if (refusal.status === 500) onError(error, c.req.path);
    tell(refusal.status, [], refusal.message);
    return refused(c, refusal);
  }
}

function chosen(c: Context, there: readonly Bound[]): Bound {
  const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
  const able = there.filter(({ route }) => route.method === method);
  const wantsEvents = c.req.header('accept')?.includes('text/event-stream') === true;
  const isWanted = ({ route }: Bound) => (route.answer.kind === 'events') === wantsEvents;
  const found = able.find(isWanted) ?? able[0];
  if (found !== undefined) return found;
  const allowed = [...new Set(there.map(({ route }) => route.method))].flatMap(withHead);
  throw new ApiError(
    405,
    `${c.req.method} is not possible: ${c.req.path} takes ${allowed.join(', ')}`,
    {
      headers: { allow: allowed.join(', ') },
    },
  );
}

async function readAsked(
  c: Context,
  route: Route,
  who: Identity,
  requestId: string,
): Promise<Asked<Route>> {
  const parts = c.req.param() as Readonly<Record<string, string>>;
  for (const [name, text] of Object.entries(parts))
    if (text.length > PART_MOST) throw new ApiError(400, `${name} is longer than ${PART_MOST}`);
  const query = readQuery(route.query, c.req.queries());
  const ifRevision = readIfMatch(c.req.header('if-match'), route);
  const body = isReading(c.req.method) ? undefined : await readBody(c.req.raw, route.body);
  const lastEventId = c.req.header('last-event-id');
  return { parts, query, body, who, requestId, ifRevision, lastEventId } as Asked<Route>;
}

/** The revision in force goes out as `ETag: "7"`, and comes back. */
function readIfMatch(text: string | undefined, { takesRevision }: Route): number | undefined {
  if (text === undefined || text.trim() === '*') return undefined;
  if (takesRevision !== true) throw new ApiError(400, 'if-match means nothing here');
  const [, digits] = /^\s*"?(\d{1,9})"?\s*$/.exec(text) ?? [];
  if (digits === undefined)
    throw new ApiError(400, `if-match must be a revision like "7", got '${text}'`);
  return Number(digits);
}

function respond(c: Context, { answer: { kind, ...answer } }: Route, reply: unknown): Response {
  switch (kind) {
    case 'list': {
      const { rows, total, next } = reply as Listing;
      if (total !== undefined) c.header(TOTAL_HEADER, String(total));
      if (next !== undefined) c.header(CONTINUE_HEADER, next);
      if (rows.length <= ROWS_PER_PIECE) return c.json(rows);
      return c.body(jsonBody(rows), 200, { 'content-type': 'application/json' });
    }
    case 'value': {
      const { value, status = 200 } = withRevision(c, reply as Extra & { value: object });
      return c.json(value, status);
    }
    case 'text': {
      const { text } = withRevision(c, reply as Extra & { text: string });
      return c.body(text, 200, { 'content-type': (answer as { mediaType: string }).mediaType });
    }
    case 'file': {
      const { stream } = reply as { stream: ReadableStream<Uint8Array> };
      return streamed(c, stream, { 'content-type': (answer as { mediaType: string }).mediaType });
    }
    case 'events': {
      const { stream } = reply as { stream: ReadableStream<Uint8Array> };
      return streamed(c, stream, { 'content-type': 'text/event-stream' });
    }
  }
}

function streamed(
  c: Context,
  stream: ReadableStream<Uint8Array>,
  named: Readonly<Record<string, string>>,
): Response {
  const headers = { ...named, 'cache-control': 'no-store' };
  if (c.req.method !== 'HEAD') return c.body(stream, 200, headers);
  void stream.cancel();
  return c.body(null, 200, headers);
}

function withRevision<R extends Extra>(c: Context, reply: R): R {
  if (reply.revision !== undefined) c.header('etag', `"${reply.revision}"`);
  return reply;
}

function asRefusal(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueryError) return new ApiError(400, error.message);
  return new ApiError(500, error instanceof Error ? error.message : String(error));
}

function refused(c: Context, { status, message, details, headers }: ApiError): Response {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return c.json({ error: message, ...details }, status);
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function withHead(method: Method): string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}
