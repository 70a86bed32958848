/** What a route of the API is: a plain value from which the server, the rights and the OpenAPI document are made. */
import type { z } from 'zod';
import type { QueryOf, Readers } from './query.ts';

/** Each may do what those before it may: look; drain and weigh; change the configuration and the tokens. */
export const ACCESS_ROLES = ['read', 'operate', 'admin'] as const;
export type AccessRole = (typeof ACCESS_ROLES)[number];

export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly schema: z.ZodType }
  /** A configuration as it stands in a file. */
  | { readonly kind: 'yaml' };

export type Answer =
  | { readonly kind: 'list'; readonly row: z.ZodType }
  | { readonly kind: 'value'; readonly schema: z.ZodType }
  | { readonly kind: 'text'; readonly mediaType: string }
  /** A file that is written while it is read. */
  | { readonly kind: 'file'; readonly mediaType: string }
  /** Server-sent events; each one's data is such a row. */
  | { readonly kind: 'events'; readonly row: z.ZodType };

export type Route<Q extends Readers = Readers, B extends Body = Body, A extends Answer = Answer> = {
  readonly method: Method;
  /** `{name}` is a part that the caller fills in. */
  readonly path: `/v1/${string}` | '/metrics';
  readonly role: AccessRole;
  /** One sentence without its full stop. */
  readonly summary: string;
  readonly query: Q;
  readonly body: B;
  readonly answer: A;
  /** Takes `If-Match` with the revision that the caller has seen. */
  readonly takesRevision?: boolean;
};
export type Routes = Readonly<Record<string, Route>>;

/** Who asks: how they came in, and what they may. */
export type Identity = {
  /** For the audit log: `uid 0 (root)`, `token deploy`, `certificate ops`. */
  readonly name: string;
  readonly role: AccessRole;
};

export type Asked<R extends Route> = {
  /** What stands in the path for `{name}`. */
  readonly parts: Readonly<Record<string, string>>;
  readonly query: QueryOf<R['query']>;
  readonly body: R['body'] extends { kind: 'json'; schema: infer S extends z.ZodType }
    ? z.output<S>
    : R['body'] extends { kind: 'yaml' }
      ? string
      : undefined;
  readonly who: Identity;
  readonly requestId: string;
  /** Of `If-Match`; absent, or `*`: whichever is in force. */
  readonly ifRevision: number | undefined;
  /** Of a reader of events who comes back. */
  readonly lastEventId: string | undefined;
};

/** `total` when there is more than what is shown; `next` is for the parameter `continue`. */
export type Listing = { rows: readonly object[]; total?: number; next?: string };

/** Beside what was asked for. */
export type Extra = {
  /** 200 when absent. */
  readonly status?: 200 | 201 | 202;
  /** Goes out as `ETag`, for the caller's next `If-Match`. */
  readonly revision?: number;
  /** What was changed, for the audit log. */
  readonly difference?: readonly string[];
};

export type Reply<A extends Answer> = A extends { kind: 'list' }
  ? Listing
  : A extends { kind: 'value'; schema: infer S extends z.ZodType }
    ? Extra & { readonly value: z.output<S> }
    : A extends { kind: 'text' }
      ? Extra & { readonly text: string }
      : { readonly stream: ReadableStream<Uint8Array> };

export type Handler<R extends Route> = (
  asked: Asked<R>,
) => Reply<R['answer']> | Promise<Reply<R['answer']>>;
/** One for each route of a table: one that is forgotten does not compile. */
export type Handlers<T extends Routes> = { readonly [K in keyof T]: Handler<T[K]> };

export type Bound = {
  /** Its name in the table. */
  readonly name: string;
  readonly route: Route;
  readonly handle: (asked: Asked<Route>) => unknown;
};

/** Puts a table of routes and what answers them together. */
export function bind<const T extends Routes>(routes: T, handlers: Handlers<T>): readonly Bound[] {
  return Object.entries(routes).map(([name, route]) => ({
    name,
    route,
    handle: handlers[name as keyof T] as unknown as Bound['handle'],
  }));
}

/** `GET /v1/NAME`: rows, for everybody who may look. */
export function list<const Q extends Readers, const S extends z.ZodType>(
  name: string,
  summary: string,
  row: S,
  query: Q,
): Route<Q, { kind: 'none' }, { kind: 'list'; row: S }> {
  return {
    ...{ method: 'GET', path: `/v1/${name}`, role: 'read', summary, query },
    ...{ body: { kind: 'none' }, answer: { kind: 'list', row } },
  };
}

/** Checks the types of any other route where it is written. */
export function route<const Q extends Readers, const B extends Body, const A extends Answer>(
  value: Route<Q, B, A>,
): Route<Q, B, A> {
  return value;
}

export function mayDo(has: AccessRole, needs: AccessRole): boolean {
  return ACCESS_ROLES.indexOf(has) >= ACCESS_ROLES.indexOf(needs);
}
