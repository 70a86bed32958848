/** The agent's daemon on a server's own network card: client addresses, collisions, a crash, the end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  eventually,
  makeTestbed,
  whatIsMissing,
  type Daemon,
  type Testbed,
} from '../daemon-testbed.ts';

const instance = `agenttest${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'fullnat-'));
const balancerConfig = join(folder, 'balancer.yaml');
const agentConfig = join(folder, 'agent.yaml');

const CLIENT = '10.7.88.100';
const VIP = '10.7.23.111:18056';
const SERVER = '10.7.98.79:8056';
const SHARED_PORT = '21521';

const BALANCER = `
instance: ${instance}
interfaces: [client, server]
locals: [{ addresses: 10.7.124.160/28 }]
sessions: { capacity: 10000 }
listeners: [{ address: ${VIP}, pool: web }]
pools: [{ name: web, health: off, backends: [{ address: ${SERVER} }] }]
`;
const AGENT = `
instance: ${instance}
interfaces: [{ name: eth0, facing: network }]
trustedLocals: [10.7.124.160/28]
sessions: { capacity: 10000 }
servers: [{ address: ${SERVER} }]
`;

describe('the agent daemon', { skip: whatIsMissing(), timeout: 60_000 }, () => {
  let bed: Testbed;
  let agent: Daemon;

  const get = (resource: string) => bed.get('agent', resource);
  const start = (...options: string[]) =>
    bed.startDaemon('server', 'agent', '-c', agentConfig, ...options);
  const end = async (signal: NodeJS.Signals) => {
    agent.process.kill(signal);
    await once(agent.process, 'exit');
  };

  before(async () => {
    writeFileSync(balancerConfig, BALANCER);
    writeFileSync(agentConfig, AGENT);
    bed = makeTestbed(instance);
    bed.startServer(SERVER);
    await eventually(() => bed.ask(SERVER) !== undefined);
    agent = await start();
    await bed.startDaemon('balancer', 'balancer', '-c', balancerConfig);
  });

  after(() => {
    bed.remove();
    rmSync(folder, { recursive: true });
  });

  test('the server sees the client, at its own port', () => {
    assert.equal(bed.ask(VIP, '21000')?.saw, `${CLIENT}:21000`);
    const [session] = get(`sessions?peer=${CLIENT}:21000`);
    assert.equal(session?.['kind'], 'restored');
    assert.equal(session['visible'], `${CLIENT}:21000`);
    assert.match(String(session['local']), /^10\.7\.124\./);
  });

  test('a collision: both connections live; it is listed and counted', async () => {
    const direct = bed.hold(SERVER, SHARED_PORT);
    await direct.goesOn();
    const saw = bed.ask(VIP, SHARED_PORT)?.saw ?? '';
    assert.match(saw, /^10\.7\.88\.100:1\d{4}$/, 'a port of the remap range');
    await direct.goesOn();
    await eventually(() => get('collisions').length === 1);
    const [collision] = get('collisions');
    const { time, subject, visiblePort, ownerAgeSeconds, ...rest } = collision ?? {};
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 5_000, String(time));
    assert.match(String(subject), /^10\.7\.124\.\d+:\d+ -> 10\.7\.98\.79:8056$/);
    assert.equal(`${CLIENT}:${String(visiblePort)}`, saw);
    assert.ok(Number(ownerAgeSeconds) < 5);
    assert.deepEqual(rest, {
      client: `${CLIENT}:${SHARED_PORT}`,
      server: SERVER,
      subjectKind: 'restored',
      owner: `${CLIENT}:${SHARED_PORT} -> ${SERVER}`,
      ownerState: 'established',
      ownerKind: 'direct',
      action: 'remapped',
    });
    assert.deepEqual(get('collision-counters'), [
      { client: CLIENT, server: SERVER, remapped: 1, keptLocal: 0, dropped: 0 },
    ]);
    direct.stop();
  });

  test('killed: everything goes on, and what happened meanwhile is told by the next daemon', async () => {
    const held = bed.hold(VIP, '21600');
    await held.goesOn();
    const maps = bed.mapIds('agent');
    await end('SIGKILL');
    const direct = bed.hold(SERVER, '21700');
    await direct.goesOn();
    assert.match(bed.ask(VIP, '21700')?.saw ?? '', /:1\d{4}$/);
    await held.goesOn();

    agent = await start();
    assert.deepEqual(bed.mapIds('agent'), maps);
    await held.goesOn();
    await eventually(() => get('collisions').length === 1);
    assert.equal(get('collisions')[0]?.['client'], `${CLIENT}:21700`);
    assert.equal(get('collision-counters')[0]?.['remapped'], 2);
    direct.stop();
    held.stop();
  });

  test('--detach-on-exit: gone, and the balancer of the same instance stays', async () => {
    await end('SIGTERM');
    agent = await start('--detach-on-exit');
    await end('SIGTERM');
    assert.match(agent.log(), /the data path is removed/);
    assert.equal(existsSync(`${bed.pins}/agent`), false);
    assert.doesNotMatch(bed.run('server', ['tc', 'qdisc', 'show']).stdout, /clsact/);
    assert.match(bed.ask(VIP)?.saw ?? '', /^10\.7\.124\./, 'the server sees the local again');
  });
});
