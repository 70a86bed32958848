/** How explanations read. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Explanation } from '../../control/api/rows.ts';
import { run } from '../run.ts';
import { recordedContext } from '../testing.ts';
import { explain } from './explain.ts';

const CLIENT = '10.0.88.100:21521';
const LISTENER = '10.0.23.111:18056';
const TOLD: Explanation = {
  ...{ client: CLIENT, listener: LISTENER, kind: 'hypothetical', verdict: 'to-backend' },
  ...{ state: null, local: '10.0.124.161:5004', backend: '10.0.98.79:8056', serverSees: CLIENT },
  why: ['listener web', 'backend 10.0.98.79:8056: the next in turn'],
};
const NOWHERE = { state: null, local: null, backend: null, serverSees: null } as const;

const directory = mkdtempSync(join(tmpdir(), 'fullnat-explain-'));
const socket = join(directory, 'daemon.sock');
let told: Explanation = TOLD;
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? '');
  response.end(JSON.stringify(told));
});
before(() => new Promise<void>((resolve) => server.listen(socket, resolve)));
after(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

const ROWS: readonly { name: string; told: Explanation; exit: number; says: RegExp }[] = [
  {
    name: 'a SYN that would be forwarded',
    told: TOLD,
    exit: 0,
    says: /^leaves as +10\.0\.124\.161:5004 → 10\.0\.98\.79:8056\nserver sees +10\.0\.88\.100:21521 → 10\.0\.98\.79:8056\nwhy +listener web\n +backend/m,
  },
  {
    name: 'a live session',
    told: { ...TOLD, kind: 'live', state: 'established' },
    exit: 0,
    says: /^answer +a session has it: established$/m,
  },
  {
    name: 'a SYN that would be refused',
    told: { ...TOLD, ...NOWHERE, kind: 'refused', verdict: 'reset-no-backend' },
    exit: 10,
    says: /^answer +a SYN now would be refused: reset-no-backend\nwhy/m,
  },
  {
    name: 'no listener',
    told: { ...TOLD, ...NOWHERE, kind: 'no-listener', verdict: 'pass' },
    exit: 10,
    says: /^answer +not balanced$/m,
  },
];

for (const row of ROWS)
  test(row.name, async () => {
    told = row.told;
    const recorded = recordedContext();
    const words = ['explain', CLIENT, LISTENER, '--socket', socket, '--instance', 'no-such'];
    assert.equal(await run([explain], words, recorded.context), row.exit);
    assert.match(recorded.stdout(), row.says);
    const query = new URLSearchParams({ client: CLIENT, listener: LISTENER }).toString();
    assert.equal(asked.at(-1), `/v1/explain?${query}`);
  });

test('an address without a port is bad usage', async () => {
  const recorded = recordedContext();
  assert.equal(await run([explain], ['explain', '10.0.88.100', LISTENER], recorded.context), 2);
  assert.match(recorded.stderr(), /bad address and port `10\.0\.88\.100`/);
});
