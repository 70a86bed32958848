/** The OpenAPI 3.1 document of what a daemon answers, made of the routes that answer it. */
import { z } from 'zod';
import type { Reader } from './query.ts';
import { ACCESS_ROLES, route as routeOf, type Answer, type Bound, type Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;
type Response = Json & { readonly content?: Record<string, unknown> };
type Operation = Json & {
  readonly responses: Readonly<Record<string, Response>>;
};

export const OPENAPI_ROUTES = {
  openapi: routeOf({
    ...{ method: 'GET', path: '/v1/openapi.json', role: 'read', query: {} },
    summary: 'This document',
    ...{
      body: { kind: 'none' },
      answer: { kind: 'value', schema: z.record(z.string(), z.unknown()) },
    },
  }),
};

const REFUSALS: Readonly<Record<string, string>> = {
  400: 'A parameter, a header or the body means nothing',
  401: 'No token and no certificate, or one that is unknown, expired or revoked',
  403: 'The role is not enough',
  404: 'There is no such thing',
  405: 'Another method is taken here',
  409: 'Another revision is in force by now, or the name is taken',
  413: 'The body is too long',
  415: 'The body is of another type',
  421: 'The daemon is not known under this name (header Host)',
  422: 'The value is understood and cannot be had; the message says why',
  429: 'Too many requests; Retry-After says when to try again',
  500: 'A fault of the daemon; its log says more',
};
const COMMON = [400, 401, 403, 421, 429, 500];

export function openapiOf(
  routes: readonly Pick<Bound, 'route' | 'name'>[],
  { title, version }: { readonly title: string; readonly version: string },
): Json {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const { route, name } of routes)
    addOperation((paths[route.path] ??= {}), route, operationOf(route, name));
  return {
    openapi: '3.1.1',
    info: {
      ...{ title, version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      description: `Roles: ${ACCESS_ROLES.join(', ')}; each may do what those before it may. GET changes nothing.`,
    },
    servers: [{ url: '/', description: 'the daemon that gave this document' }],
    security: [{ token: [] }, { certificate: [] }, {}],
    tags: ACCESS_ROLES.map((role) => ({ name: role, description: `needs the role ${role}` })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        certificate: { type: 'mutualTLS' },
      },
      schemas: {
        Refusal: { type: 'object', required: ['error'], properties: { error: { type: 'string' } } },
      },
      responses: Object.fromEntries(
        Object.entries(REFUSALS).map(([status, description]) => [
          `Refusal${status}`,
          {
            description,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
          },
        ]),
      ),
    },
  };
}

/** Where a list is also told as it grows, `Accept` says which: one operation, two types of content. */
function addOperation(there: Record<string, Operation>, { method }: Route, fresh: Operation): void {
  const before = there[method.toLowerCase()];
  if (before === undefined) return void (there[method.toLowerCase()] = fresh);
  Object.assign(before.responses['200']?.content ?? {}, fresh.responses['200']?.content);
}

function operationOf(route: Route, name: string): Operation {
  const { role, summary, path, body, answer, takesRevision = false } = route;
  const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, part = '']) => part);
  const parameters = [
    ...parts.map((part) => ({
      name: part,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...Object.entries(route.query).map(([key, reader]) => queryParameter(key, reader)),
    ...(takesRevision ? [IF_MATCH] : []),
  ];
  const refusals = [
    ...COMMON,
    ...(parts.length > 0 || name === 'rollback' ? [404] : []),
    ...(takesRevision || body.kind === 'json' ? [409] : []),
    ...(body.kind === 'none' ? [] : [413, 415, 422]),
  ].toSorted((a, b) => a - b);
  return {
    ...{ operationId: name, summary, tags: [role], 'x-role': role },
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body.kind === 'none' ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      [name === 'createToken' ? '201' : '200']: answerOf(answer),
      ...Object.fromEntries(
        refusals.map((status): [string, Response] => [
          String(status),
          { $ref: `#/components/responses/Refusal${status}` },
        ]),
      ),
    },
  };
}

const IF_MATCH = {
  ...{ name: 'If-Match', in: 'header', required: false },
  description: 'only when this revision is in force still, as "7"',
  schema: { type: 'string' },
};

function queryParameter(name: string, { help, schema }: Reader<unknown>): Json {
  return { name, in: 'query', required: false, description: help, schema };
}

function contentOf(body: Exclude<Route['body'], { kind: 'none' }>): Json {
  return body.kind === 'yaml'
    ? { 'application/yaml': { schema: { type: 'string' } } }
    : { 'application/json': { schema: schemaOf(body.schema, 'input') } };
}

function answerOf(answer: Answer): Response {
  switch (answer.kind) {
    case 'list': {
      const schema = { type: 'array', items: schemaOf(answer.row, 'output') };
      return {
        description: 'Rows',
        headers: PAGE_HEADERS,
        content: { 'application/json': { schema } },
      };
    }
    case 'value':
      return {
        description: 'Done',
        content: { 'application/json': { schema: schemaOf(answer.schema, 'output') } },
      };
    case 'text':
    case 'file':
      return {
        description: 'Text',
        content: { [answer.mediaType]: { schema: { type: 'string' } } },
      };
    case 'events':
      return {
        description: 'Server-sent events, without end; the data of each is such a row',
        content: { 'text/event-stream': { schema: schemaOf(answer.row, 'output') } },
      };
  }
}

const PAGE_HEADERS = {
  'x-fullnat-total': {
    description: 'how many rows match, when only some are shown',
    schema: { type: 'integer' },
  },
  'x-fullnat-continue': {
    description: 'for the parameter continue, when there are more',
    schema: { type: 'string' },
  },
};

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
