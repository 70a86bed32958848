/** What is described, against a daemon that answers from a table. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../run.ts';
import { recordedContext } from '../testing.ts';
import { describe } from './describe.ts';

const LISTENER = '10.0.23.111:18056';
const BACKEND = '10.0.98.79:8056';
const ANSWERS: Readonly<Record<string, readonly object[]>> = {
  '/v1/listeners': [
    {
      ...{ name: 'web', address: LISTENER, pool: 'web', backendsUp: 1, backendsTotal: 1 },
      handshakes: {
        buckets: [
          { upToSeconds: 0.000_065_536, count: 98 },
          { upToSeconds: 1.073_741_824, count: 1 },
          { upToSeconds: null, count: 1 },
        ],
        sumSeconds: 5,
      },
    },
  ],
  '/v1/backends': [
    { pool: 'web', name: 'one', address: BACKEND, weight: 1, state: 'up', live: 1 },
    { pool: 'other', name: 'two', address: '10.0.98.80:8056', weight: 1, state: 'down', live: 0 },
  ],
  '/v1/events': [
    { time: '2026-01-01T00:00:00Z', type: 'backend-state', pool: 'web', backend: BACKEND },
    { time: '2026-01-01T00:00:00Z', type: 'backend-state', pool: 'other', backend: 'x' },
  ],
  [`/v1/sessions?client=${encodeURIComponent('10.0.88.100:1')}`]: [
    { client: '10.0.88.100:1', listener: LISTENER, local: '10.0.124.160:9', backend: BACKEND },
  ],
};

const directory = mkdtempSync(join(tmpdir(), 'fullnat-describe-'));
const socket = join(directory, 'daemon.sock');
const server = createServer((request, response) => {
  response.end(JSON.stringify(ANSWERS[request.url ?? ''] ?? []));
});
before(() => new Promise<void>((resolve) => server.listen(socket, resolve)));
after(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

const ROWS: readonly { what: string; exit?: number; says: readonly RegExp[]; not?: RegExp }[] = [
  {
    what: 'listener web',
    says: [
      /^address +10\.0\.23\.111:18056$/m,
      /^50 % of handshakes within +0\.066 ms$/m,
      /^99 % of handshakes within +1100 ms$/m,
      /^backends of pool web\n {2}POOL .*\n {2}web {3}one/m,
      /^events\n.*\n.*pool=web/m,
    ],
    not: /pool=other|two/,
  },
  { what: `listener ${LISTENER}`, says: [/^name +web$/m] },
  { what: `backend web/${BACKEND}`, says: [/^state +up$/m] },
  { what: 'backend two', says: [/^state +down$/m] },
  {
    what: 'session 10.0.88.100:1',
    says: [/^local +10\.0\.124\.160:9$/m, /^its backend\n.*\n {2}web {3}one/m],
  },
  { what: 'backend on', exit: 2, says: [/there is no backend `on`; there are one, two/] },
  { what: 'session 10.0.88.100:2', exit: 2, says: [/there is no session `10\.0\.88\.100:2`\n/] },
];

for (const { what, exit = 0, says, not } of ROWS)
  test(`describe ${what}`, async () => {
    const recorded = recordedContext();
    const words = ['describe', ...what.split(' '), '--socket', socket];
    assert.equal(await run([describe], words, recorded.context), exit);
    const said = exit === 0 ? recorded.stdout() : recorded.stderr();
    for (const pattern of says) assert.match(said, pattern);
    if (not !== undefined) assert.doesNotMatch(said, not);
  });

test('as JSON: the row, and what belongs to it', async () => {
  const recorded = recordedContext();
  const words = ['describe', 'backend', 'one', '-o', 'json', '--socket', socket];
  assert.equal(await run([describe], words, recorded.context), 0);
  const [found] = JSON.parse(recorded.stdout()) as { address: string; related: object }[];
  assert.equal(found?.address, BACKEND);
  assert.deepEqual(Object.keys(found.related), ['ports towards it', 'sessions', 'events']);
});
