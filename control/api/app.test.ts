/** Requests and answers, without a socket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { createApp, TOTAL_HEADER, type AuditEntry } from './app.ts';
import { ApiError } from './api-error.ts';
import { bind, list, route, type Identity } from './route.ts';
import { jsonPieces, ROWS_PER_PIECE } from './json-stream.ts';
import { oneOf, wholeNumber } from './query.ts';

const many = Array.from({ length: ROWS_PER_PIECE * 2 + 1 }, (_, i) => ({ i, text: `"${i}",\n` }));
const seen: unknown[] = [];
const failures: string[] = [];
const audited: AuditEntry[] = [];
let who: Identity = { name: 'root', role: 'admin' };
const ROUTES = {
  plain: list('plain', 'One row', z.object({}), {}),
  many: list('many', 'Many rows', z.object({}), {}),
  some: list('some', 'What was asked', z.object({}), {
    limit: wholeNumber(1, 10, 'how many'),
    state: oneOf(['up', 'down'], 'which'),
  }),
  broken: list('broken', 'Nothing', z.object({}), {}),
  weigh: route({
    ...{ method: 'PATCH', path: '/v1/things/{thing}', role: 'operate', summary: 'Weigh' },
    ...{ query: {}, takesRevision: true },
    body: { kind: 'json', schema: z.strictObject({ weight: z.int().min(0) }) },
    answer: { kind: 'value', schema: z.object({ thing: z.string(), weight: z.int() }) },
  }),
};
const app = createApp(
  bind(ROUTES, {
    plain: () => ({ rows: [{ a: 1 }] }),
    many: () => ({ rows: many }),
    some: ({ query }) => (seen.push(query), { rows: [query], total: 7 }),
    broken: () => {
      throw new Error('the kernel said no');
    },
    weigh: ({ parts, body, ifRevision = 7 }) => {
      if (ifRevision !== 7) throw new ApiError(409, 'the revision in force is 7');
      const value = { thing: parts['thing'] ?? '', weight: body.weight };
      return { value, revision: 8, difference: [`weight: ${body.weight}`] };
    },
  }),
  {
    onError: (error, path) => failures.push(`${path}: ${String(error)}`),
    admit: () => who,
    audit: (entry) => audited.push(entry),
  },
);

const rows: { name: string; method?: string; path: string; status: number; body: unknown }[] = [
  { name: 'a list', path: '/v1/plain', status: 200, body: [{ a: 1 }] },
  {
    name: 'parameters are read',
    path: '/v1/some?limit=3&state=up',
    status: 200,
    body: [{ limit: 3, state: 'up' }],
  },
  { name: 'a parameter may be absent', path: '/v1/some', status: 200, body: [{}] },
  {
    name: 'a bad value names its parameter',
    path: '/v1/some?limit=many',
    status: 400,
    body: { error: "parameter limit: 'many' is not a whole number in 1..10" },
  },
  {
    name: 'out of bounds',
    path: '/v1/some?limit=11',
    status: 400,
    body: { error: "parameter limit: '11' is not a whole number in 1..10" },
  },
  {
    name: 'not one of the words',
    path: '/v1/some?state=left',
    status: 400,
    body: { error: "parameter state: 'left' is none of up, down" },
  },
  {
    name: 'an unknown parameter',
    path: '/v1/some?limti=3',
    status: 400,
    body: { error: 'parameter limti is unknown here; it takes limit, state' },
  },
  {
    name: 'the name of an inherited property',
    path: '/v1/some?constructor=3',
    status: 400,
    body: { error: 'parameter constructor is unknown here; it takes limit, state' },
  },
  {
    name: 'a parameter where none is taken',
    path: '/v1/plain?a=1',
    status: 400,
    body: { error: 'parameter a is unknown here; it takes none' },
  },
  {
    name: 'twice',
    path: '/v1/some?limit=3&limit=4',
    status: 400,
    body: { error: 'parameter limit is given 2 times' },
  },
  {
    name: 'an unknown path',
    path: '/v1/nothing',
    status: 404,
    body: {
      error:
        'nothing is at /v1/nothing; there are /v1/plain, /v1/many, /v1/some, /v1/broken, /v1/things/{thing}, /v1/openapi.json',
    },
  },
  {
    name: 'only reading',
    method: 'DELETE',
    path: '/v1/plain',
    status: 405,
    body: { error: 'DELETE is not possible: /v1/plain takes GET, HEAD' },
  },
  {
    name: 'a failure is JSON too',
    path: '/v1/broken',
    status: 500,
    body: { error: 'the kernel said no' },
  },
];

for (const { name, method = 'GET', path, status, body } of rows)
  test(name, async () => {
    const answer = await app.request(path, { method });
    assert.equal(answer.status, status);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
    assert.deepEqual(await answer.json(), body);
  });

test('a failure is reported', async () => {
  failures.length = 0;
  await app.request('/v1/broken');
  assert.deepEqual(failures, ['/v1/broken: Error: the kernel said no']);
});

test('the total is in a header', async () => {
  assert.equal((await app.request('/v1/some')).headers.get(TOTAL_HEADER), '7');
  assert.equal((await app.request('/v1/plain')).headers.get(TOTAL_HEADER), null);
});

test('a long list comes in pieces and is the same JSON', async () => {
  const pieces: string[] = [];
  for await (const piece of jsonPieces(many)) pieces.push(piece);
  assert.equal(pieces.length, 2 + 3);
  assert.equal(pieces.join(''), JSON.stringify(many));
  const answer = await app.request('/v1/many');
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
  assert.deepEqual(await answer.json(), many);
});

const WEIGH = { method: 'PATCH', headers: { 'content-type': 'application/json' } };
const verbs: {
  name: string;
  body: string;
  headers?: Readonly<Record<string, string>>;
  as?: Identity['role'];
  status: number;
  error?: RegExp;
}[] = [
  { name: 'a verb', body: '{"weight":3}', status: 200 },
  {
    name: 'on the revision that is in force',
    body: '{"weight":3}',
    headers: { 'if-match': '"7"' },
    status: 200,
  },
  {
    name: 'on whichever is in force',
    body: '{"weight":3}',
    headers: { 'if-match': '*' },
    status: 200,
  },
  {
    name: 'on an old revision',
    body: '{"weight":3}',
    headers: { 'if-match': '"6"' },
    status: 409,
    error: /in force is 7/,
  },
  {
    name: 'on no revision',
    body: '{"weight":3}',
    headers: { 'if-match': 'W/"x"' },
    status: 400,
    error: /if-match must be/,
  },
  {
    name: 'by who may only look',
    body: '{"weight":3}',
    as: 'read',
    status: 403,
    error: /needs the role operate/,
  },
  { name: 'that is not JSON', body: '{"weight":', status: 400, error: /not JSON/ },
  { name: 'with a wrong value', body: '{"weight":-1}', status: 422, error: /^weight: / },
  { name: 'with an unknown member', body: '{"weight":1,"x":1}', status: 422, error: /x/ },
  {
    name: 'of another type',
    body: 'weight: 3',
    headers: { 'content-type': 'text/plain' },
    status: 415,
    error: /application\/json/,
  },
  {
    name: 'that is too long',
    body: JSON.stringify('x'.repeat(70_000)),
    status: 413,
    error: /65536 bytes/,
  },
];

for (const { name, body, headers = {}, as = 'admin', status, error } of verbs)
  test(`a verb ${name}`, async () => {
    who = { name: 'somebody', role: as };
    audited.length = 0;
    const answer = await app.request('/v1/things/one', {
      ...{ ...WEIGH, headers: { ...WEIGH.headers, ...headers }, body },
    });
    assert.equal(answer.status, status);
    const value = (await answer.json()) as { error?: string };
    if (error === undefined) {
      assert.deepEqual(value, { thing: 'one', weight: 3 });
      assert.equal(answer.headers.get('etag'), '"8"');
    } else assert.match(value.error ?? '', error);
    const [entry, ...others] = audited;
    assert.deepEqual(others, []);
    assert.equal(entry?.requestId, answer.headers.get('x-request-id'));
    assert.deepEqual(
      { who: entry?.who, status: entry?.status, difference: entry?.difference },
      { who: 'somebody', status, difference: status === 200 ? ['weight: 3'] : [] },
    );
  });

test('looking is not written down', async () => {
  who = { name: 'root', role: 'admin' };
  audited.length = 0;
  await app.request('/v1/plain');
  assert.deepEqual(audited, []);
});

test('who may not come in learns nothing of what is there', async () => {
  const closed = createApp(bind({ plain: ROUTES.plain }, { plain: () => ({ rows: [] }) }), {
    onError: () => {},
    admit: () => {
      throw new ApiError(401, 'who are you?');
    },
  });
  assert.equal((await closed.request('/v1/plain', { method: 'PUT' })).status, 401);
});
