/** Requests and answers, without a socket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApp, plainResource, resource, TOTAL_HEADER } from './app.ts';
import { jsonPieces, ROWS_PER_PIECE } from './json-stream.ts';
import { oneOf, wholeNumber } from './query.ts';

const many = Array.from({ length: ROWS_PER_PIECE * 2 + 1 }, (_, i) => ({ i, text: `"${i}",\n` }));
const seen: unknown[] = [];
const failures: string[] = [];
const app = createApp(
  {
    plain: plainResource(() => [{ a: 1 }]),
    many: plainResource(() => many),
    some: resource(
      { limit: wholeNumber(1, 10), state: oneOf(['up', 'down']) },
      (query) => (seen.push(query), { rows: [query], total: 7 }),
    ),
    broken: plainResource(() => {
      throw new Error('the kernel said no');
    }),
  },
  (error, path) => failures.push(`${path}: ${String(error)}`),
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
      error: 'nothing is at /v1/nothing; there are /v1/plain, /v1/many, /v1/some, /v1/broken',
    },
  },
  {
    name: 'only reading',
    method: 'DELETE',
    path: '/v1/plain',
    status: 405,
    body: { error: 'DELETE is not possible: /v1/plain is read only' },
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
