/** Questions to live daemons: `fullnat explain` beside what then happens, and /metrics beside Prometheus' own checker. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Explanation } from '../../control/api/rows.ts';
import { socketPath } from '../../control/api/socket.ts';
import { METRICS } from '../../control/metrics/catalogue.ts';
import { promtool } from '../../control/metrics/testing.ts';
import { openLab } from '../lab.ts';
import { down, up } from '../up.ts';
import { reasonToSkip } from './machine.ts';

const instance = 't-questions';
const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
const LISTENER = '10.0.23.111:18056';
const CLIENT = '10.0.88.100';

describe('questions to live daemons', { skip: reasonToSkip(), timeout: 300_000 }, () => {
  before(() => up({ instance, servers: 1 }));
  after(() => down(instance));

  test('explain: the port it names is the one that comes; asking again, the session is taken up', async () => {
    await visit(20_000);
    const sessions = await list('sessions');
    const locals = await list('locals');
    const told = await explain(`${CLIENT}:20001`);
    assert.deepEqual(
      [told.verdict, told.backend, told.serverSees],
      ['to-backend', '10.0.98.79:8056', `${CLIENT}:20001`],
    );
    assert.deepEqual(namesOf(await list('sessions')), namesOf(sessions));
    assert.deepEqual(await list('locals'), locals);
    await visit(20_001);
    const made = (await list('sessions')).find(({ client }) => client === `${CLIENT}:20001`);
    assert.equal(made?.['local'], told.local);
    assert.equal(made?.['backend'], told.backend);
    const again = await explain(`${CLIENT}:20001`);
    assert.equal(again.local, told.local);
    assert.match(again.why.join('\n'), /takes it up again/);
  });

  test('metrics of both daemons are what promtool wants', async (t) => {
    const { check, skip } = promtool();
    if (skip !== undefined) return t.skip(skip);
    for (const daemon of ['balancer', 'agent'] as const) {
      const { stdout } = await openLab(instance).run('balancer', [
        ...[
          'curl',
          '-s',
          '--unix-socket',
          socketPath(instance, daemon),
          'http://localhost/metrics',
        ],
      ]);
      assert.equal(check(['check', 'metrics'], stdout), '');
      assert.match(stdout, new RegExp(`^fullnat_build_info\\{role="${daemon}"`, 'm'));
      const names = [...stdout.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name);
      assert.deepEqual(
        names.filter((name) => !Object.hasOwn(METRICS, name)),
        [],
      );
    }
  });
});

async function explain(client: string): Promise<Explanation> {
  const { stdout } = await openLab(instance).run('balancer', [
    ...[process.execPath, MAIN, 'explain', client, LISTENER, '--instance', instance, '-o', 'json'],
  ]);
  return JSON.parse(stdout) as Explanation;
}

async function list(resource: string): Promise<Readonly<Record<string, unknown>>[]> {
  const { stdout } = await openLab(instance).run('balancer', [
    ...[process.execPath, MAIN, 'get', resource, '--instance', instance, '-o', 'json'],
  ]);
  const rows = JSON.parse(stdout) as Readonly<Record<string, unknown>>[];
  return rows.filter(({ daemon }) => daemon === 'balancer');
}

function namesOf(rows: readonly Readonly<Record<string, unknown>>[]): unknown[] {
  return rows.map(({ client, local }) => [client, local]);
}

async function visit(port: number): Promise<void> {
  const { stdout } = await openLab(instance).run('client', [
    ...['curl', '-s', '--max-time', '5', '--local-port', String(port), `http://${LISTENER}/`],
  ]);
  assert.match(stdout, new RegExp(`${CLIENT}:${port}`));
}
