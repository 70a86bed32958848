import assert from 'node:assert/strict';
import {
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CommandError, UsageError } from './command.ts';
import { openMetrics, readMetricsPlace, refuseExposed } from './metrics-outlet.ts';

const folder = mkdtempSync(join(tmpdir(), 'fullnat-metrics-'));
after(() => rmSync(folder, { recursive: true }));

const exposure = [
  { place: '127.0.0.1:9180', isMeant: false, isRefused: false },
  { place: '127.8.8.8:9180', isMeant: false, isRefused: false },
  { place: 'unix:/run/x.sock', isMeant: false, isRefused: false },
  { place: 'file:/tmp/x.prom', isMeant: false, isRefused: false },
  { place: '0.0.0.0:9180', isMeant: false, isRefused: true },
  { place: '10.0.88.100:9180', isMeant: false, isRefused: true },
  { place: '10.0.88.100:9180', isMeant: true, isRefused: false },
];
for (const { place, isMeant, isRefused } of exposure)
  test(`${place}${isMeant ? ', meant for others,' : ''} is ${isRefused ? 'refused' : 'taken'}`, () => {
    const check = () => refuseExposed(readMetricsPlace(place), isMeant);
    if (isRefused) assert.throws(check, UsageError);
    else check();
  });

test('a unix socket answers /metrics alone, to its owner alone, and goes when it is closed', async () => {
  const path = join(folder, 'probe.sock');
  const outlet = await openMetrics({ kind: 'unix', path }, () => 'up 1\n');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(await ask(path, 'GET', '/metrics'), { status: 200, body: 'up 1\n' });
  assert.equal((await ask(path, 'GET', '/')).status, 404);
  assert.equal((await ask(path, 'POST', '/metrics')).status, 405);
  await assert.rejects(
    openMetrics({ kind: 'unix', path }, () => ''),
    CommandError,
    'in use',
  );
  await outlet.close();
  assert.throws(() => statSync(path));
});

test('a socket that a crash left makes way, another file does not', async () => {
  const path = join(folder, 'left.sock');
  await left(path);
  const outlet = await openMetrics({ kind: 'unix', path }, () => 'up 1\n');
  assert.equal((await ask(path, 'GET', '/metrics')).status, 200);
  await outlet.close();
  const file = join(folder, 'precious');
  writeFileSync(file, 'kept');
  await assert.rejects(
    openMetrics({ kind: 'unix', path: file }, () => ''),
    CommandError,
  );
  assert.equal(readFileSync(file, 'utf8'), 'kept');
});

test('a file is whole at once, is true at the end, and leaves nothing beside it', async () => {
  const path = join(folder, 'probe.prom');
  let text = 'up 1\n';
  const outlet = await openMetrics({ kind: 'file', path }, () => text);
  assert.equal(readFileSync(path, 'utf8'), 'up 1\n');
  text = 'up 2\n';
  await outlet.close();
  assert.equal(readFileSync(path, 'utf8'), 'up 2\n');
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('.new')),
    [],
  );
  await assert.rejects(
    openMetrics({ kind: 'file', path: `${path}/x` }, () => ''),
    CommandError,
  );
});

/** What a process leaves that was killed: a socket file without a listener. */
async function left(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.live`, resolve));
  linkSync(`${path}.live`, path);
  await new Promise((resolve) => server.close(resolve));
}

function ask(socketPath: string, method: string, path: string) {
  return new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const asked = request({ socketPath, method, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    asked.on('error', reject).end();
  });
}
