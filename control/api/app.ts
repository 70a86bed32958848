/** The HTTP interface of a daemon: lists under /v1, read only, JSON throughout. */
import { Hono } from 'hono';
import { jsonBody, ROWS_PER_PIECE } from './json-stream.ts';
import { QueryError, readQuery, type QueryOf, type Readers } from './query.ts';

/** `total` when there is more than what is shown; `next` is for the parameter `continue`. */
export type Listing = { rows: readonly object[]; total?: number; next?: string };

export type Resource = {
  readonly readers: Readers;
  readonly list: (query: never) => Listing | Promise<Listing>;
};
export type Resources = Readonly<Record<string, Resource>>;

/** How many rows match, when only some are shown. */
export const TOTAL_HEADER = 'x-fullnat-total';
/** Where the next page begins, when there is one. */
export const CONTINUE_HEADER = 'x-fullnat-continue';

/**
 * Checks a resource's types where it is written.
 *
 * @example resource({ limit: wholeNumber(1, 10) }, ({ limit = 5 }) => ({ rows: all.slice(0, limit) }))
 */
export function resource<const R extends Readers>(
  readers: R,
  list: (query: QueryOf<R>) => Listing | Promise<Listing>,
): Resource {
  return { readers, list };
}

/** A resource that takes no parameters. */
export function plainResource(
  rows: () => readonly object[] | Promise<readonly object[]>,
): Resource {
  return resource({}, async () => ({ rows: await rows() }));
}

export function createApp(
  resources: Resources,
  onError: (error: unknown, path: string) => void,
): Hono {
  const app = new Hono();
  for (const [name, { readers, list }] of Object.entries(resources)) {
    app.get(`/v1/${name}`, async (c) => {
      const { rows, total, next } = await list(readQuery(readers, c.req.queries()) as never);
      if (total !== undefined) c.header(TOTAL_HEADER, String(total));
      if (next !== undefined) c.header(CONTINUE_HEADER, next);
      if (rows.length <= ROWS_PER_PIECE) return c.json(rows);
      return c.body(jsonBody(rows), 200, { 'content-type': 'application/json' });
    });
    app.all(`/v1/${name}`, (c) =>
      c.json({ error: `${c.req.method} is not possible: /v1/${name} is read only` }, 405, {
        allow: 'GET, HEAD',
      }),
    );
  }
  app.notFound((c) => {
    const known = Object.keys(resources).map((name) => `/v1/${name}`);
    return c.json({ error: `nothing is at ${c.req.path}; there are ${known.join(', ')}` }, 404);
  });
  app.onError((error, c) => {
    if (error instanceof QueryError) return c.json({ error: error.message }, 400);
    onError(error, c.req.path);
    return c.json({ error: error.message }, 500);
  });
  return app;
}
