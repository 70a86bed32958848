/** `fullnat diagnose` on this machine alone: what it refuses, and that it needs nobody else. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DIAGNOSIS_SCHEMA } from '../../diagnose/report/diagnosis-json.ts';
import { commandsFor } from '../registry.ts';
import { run } from '../run.ts';
import { recordedContext as recording } from '../testing.ts';

const REGISTRY = await commandsFor('diagnose');

const REFUSED = [
  { words: ['10.0.23.111'], says: /bad target/ },
  {
    words: ['10.0.23.111:1', '--client', 'there'],
    says: /write here, netns:NAME or ssh:USER@HOST/,
  },
  { words: ['10.0.23.111:1', '--client', 'ssh:-oProxyCommand=x'], says: /is no place/ },
  { words: ['10.0.23.111:1', '--at', 'netns:x'], says: /write NAME=WHERE/ },
  {
    words: ['10.0.23.111:1', '--at', 'a=here', '--at', 'a=here'],
    says: /two places are called `a`/,
  },
  { words: ['10.0.23.111:1', '--at', 'client=here'], says: /two places are called `client`/ },
  { words: ['10.0.23.111:1', '--mask'], says: /give --bundle/ },
  { words: ['10.0.23.111:1', '--capture', 'often'], says: /needed, always, never/ },
];

for (const { words, says } of REFUSED)
  test(`refused: ${words.join(' ')}`, async () => {
    const { context, stderr } = recording();
    assert.equal(await run(REGISTRY, ['diagnose', ...words], context), 2);
    assert.match(stderr(), says);
  });

describe('this machine alone', { timeout: 60_000 }, () => {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()));
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-diagnose-'));
  before(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  test('a port that is served is healthy; page and archive are written', async () => {
    const { context, stdout, stderr } = recording();
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const html = join(folder, 'report.html');
    const archive = join(folder, 'all.tar.gz');
    const files = ['--html', html, '--bundle', archive, '--mask'];
    const words = ['diagnose', target, '-o', 'json', '--capture', 'never', ...files];
    assert.equal(await run(REGISTRY, words, context), 0, stderr());
    const report = DIAGNOSIS_SCHEMA.parse(JSON.parse(stdout()));
    assert.equal(report.verdict.kind, 'healthy');
    assert.match(readFileSync(html, 'utf8'), /<h2>healthy: nothing is wrong/);
    assert.deepEqual([...readFileSync(archive).subarray(0, 2)], [0x1f, 0x8b]);
  });

  test('a port that nobody serves was refused, and the exit code is 10', async () => {
    const { context, stdout } = recording();
    const words = ['diagnose', '127.0.0.1:1', '-o', 'json', '--capture', 'never'];
    assert.equal(await run(REGISTRY, words, context), 10);
    const { attempts, verdict } = DIAGNOSIS_SCHEMA.parse(JSON.parse(stdout()));
    assert.notEqual(verdict.kind, 'healthy');
    assert.deepEqual(
      attempts.map(({ purpose, tried, refused }) => [purpose, tried, refused]),
      [['listener', 16, 16]],
    );
  });
});
