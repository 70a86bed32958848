/** The balancer's daemon on real interfaces: started, killed, started again, stopped, removed. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
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

const instance = `balancertest${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'fullnat-'));
const config = join(folder, 'balancer.yaml');

const VIP = '10.7.23.111:18056';
const ONE = '10.7.98.79:8056';
const TWO = '10.7.98.80:8056';
const CHECK_INTERVAL_MS = 100;
const FALL = 3;

const CONFIG = `
instance: ${instance}
interfaces: [client, server]
locals: [{ addresses: 10.7.124.160/28 }]
sessions: { capacity: 10000 }
listeners: [{ address: ${VIP}, name: web, pool: web }]
pools:
  - name: web
    health: { tcp: {}, interval: ${CHECK_INTERVAL_MS}ms, timeout: 100ms, rise: 2, fall: ${FALL} }
    backends: [{ address: ${ONE} }, { address: ${TWO} }]
`;

describe('the balancer daemon', { skip: whatIsMissing(), timeout: 90_000 }, () => {
  let bed: Testbed;
  let daemon: Daemon;
  let servers: Record<string, ChildProcess> = {};

  const get = (resource: string) => bed.get('balancer', resource);
  const start = (...options: string[]) =>
    bed.startDaemon('balancer', 'balancer', '-c', config, ...options);
  const startOnce = (file = config) => bed.fullnat('balancer', 'balancer', '-c', file);
  const answering = (count: number) =>
    new Set(Array.from({ length: count }, () => bed.ask(VIP)?.server));
  const end = async (signal: NodeJS.Signals) => {
    daemon.process.kill(signal);
    const [code] = (await once(daemon.process, 'exit')) as [number | null];
    return code;
  };

  before(async () => {
    writeFileSync(config, CONFIG);
    bed = makeTestbed(instance);
    servers = { [ONE]: bed.startServer(ONE), [TWO]: bed.startServer(TWO) };
    await eventually(() => bed.ask(ONE) !== undefined && bed.ask(TWO) !== undefined);
  });

  after(() => {
    bed.remove();
    rmSync(folder, { recursive: true });
  });

  test('a configuration with errors: all of them, exit code 2, nothing touched', () => {
    const broken = join(folder, 'broken.yaml');
    writeFileSync(broken, CONFIG.replace('pool: web }', 'pool: wbe }').replace('/28', '/33'));
    const { status, stderr } = startOnce(broken);
    assert.equal(status, 2);
    assert.match(stderr, /nothing was changed/);
    assert.match(stderr, /wbe/);
    assert.match(stderr, /33/);
    assert.equal(existsSync(bed.pins), false);
  });

  test('without forwarding: the line that switches it on, nothing touched', () => {
    bed.run('balancer', ['sysctl', '-qw', 'net.ipv4.conf.client.forwarding=0']);
    const { status, stderr } = startOnce();
    bed.run('balancer', ['sysctl', '-qw', 'net.ipv4.conf.client.forwarding=1']);
    assert.equal(status, 1);
    assert.match(stderr, /sysctl -w net\.ipv4\.conf\.client\.forwarding=1/);
    assert.equal(existsSync(bed.pins), false);
  });

  test('starts, balances, answers', async () => {
    daemon = await start();
    assert.deepEqual(answering(8), new Set(['10.7.98.79', '10.7.98.80']));
    const [listener] = get('listeners');
    assert.deepEqual([listener?.['connections'], listener?.['backendsUp']], [8, 2]);
    await eventually(() => get('backends').every(({ state }) => state === 'up'));
    await eventually(() => get('sessions?state=time-wait').length === 8);
    assert.ok(get('sessions').every((row) => row['listener'] === VIP));
    assert.equal(get('sessions?limit=3').length, 3);
    const [ofOne, ofTwo] = [ONE, TWO].map((key) => get(`sessions?backend=${key}`).length);
    assert.ok(ofOne && ofTwo && ofOne + ofTwo === 8, `${ofOne} and ${ofTwo}`);
    assert.deepEqual(get('sessions?client=10.7.88.101'), []);
    assert.equal(get('info')[0]?.['pid'], daemon.process.pid);
  });

  test('a second one of the same instance is refused', () => {
    const { status, stderr } = startOnce();
    assert.equal(status, 1);
    assert.match(stderr, /is running already/);
    assert.equal(get('info')[0]?.['pid'], daemon.process.pid);
  });

  test('killed: connections go on, new ones work; the next daemon takes everything over', async () => {
    const held = bed.hold(VIP);
    await held.goesOn();
    const maps = bed.mapIds('balancer');
    await end('SIGKILL');
    assert.ok(existsSync(bed.socketOf('balancer')), 'its socket is left behind');
    assert.ok(bed.ask(VIP) !== undefined, 'a new connection without a daemon');
    await held.goesOn();

    daemon = await start();
    assert.deepEqual(bed.mapIds('balancer'), maps);
    assert.equal(get('listeners')[0]?.['connections'], 10);
    assert.equal(get('sessions?state=established').length, 1);
    await held.goesOn();
    held.stop();
  });

  test('a backend that stops is out in time, also for the next daemon; it comes back', async () => {
    servers[ONE]?.kill('SIGKILL');
    await eventually(() => get('backends')[0]?.['state'] === 'down');
    await eventually(() => get('listeners')[0]?.['backendsUp'] === 1);
    assert.deepEqual(answering(6), new Set(['10.7.98.80']));
    assert.equal(get('backends')[0]?.['reason'], 'connect refused');

    await end('SIGKILL');
    daemon = await start();
    assert.deepEqual(answering(6), new Set(['10.7.98.80']), 'a start leads to no dead backend');

    servers[ONE] = bed.startServer(ONE);
    await eventually(() => answering(4).size === 2);
    assert.ok(get('events').some(({ to, backend }) => to === 'up' && backend === ONE));
  });

  test('all backends down: refused at once; one back: served', async () => {
    for (const server of Object.values(servers)) server.kill('SIGKILL');
    await eventually(() => get('listeners')[0]?.['backendsUp'] === 0);
    const { status, stdout } = bed.run('client', [
      ...['curl', '-s', '-w', '%{time_total}', `http://${VIP}/`],
    ]);
    assert.equal(status, 7, 'connection refused');
    assert.ok(Number(stdout) < 1, `${stdout} s: the first SYN was refused, not one sent again`);
    assert.ok(get('drops').some(({ name }) => name === 'reset-no-backend'));
    await eventually(() => get('events').some(({ type }) => type === 'no-backend'));
    for (const key of [ONE, TWO]) servers[key] = bed.startServer(key);
    await eventually(() => bed.ask(VIP) !== undefined);
  });

  test('stopped: the data path stays; detach removes everything, twice is no error', async () => {
    assert.equal(await end('SIGTERM'), 0);
    assert.match(daemon.log(), /the data path stays/);
    assert.equal(existsSync(bed.socketOf('balancer')), false);
    assert.ok(bed.ask(VIP) !== undefined);

    const elsewhere = bed.fullnat('client', 'detach', '--instance', instance);
    assert.equal(elsewhere.status, 1, 'not from another network namespace');
    assert.match(elsewhere.stderr, /nsenter --net=/);
    assert.ok(bed.ask(VIP) !== undefined);

    const { status, stdout } = bed.fullnat('balancer', 'detach', '--instance', instance);
    assert.equal(status, 0);
    assert.match(stdout, /filter on client ingress, filter on server ingress/);
    assert.match(stdout, /[1-9]\d* sessions ended/);
    bed.assertNothingLeft('balancer');
    assert.equal(bed.ask(VIP), undefined);
    const again = bed.fullnat('balancer', 'detach', '--instance', instance);
    assert.deepEqual(
      [again.status, again.stdout],
      [0, `nothing of instance ${instance} is here\n`],
    );
  });

  test('--detach-on-exit leaves nothing behind', async () => {
    daemon = await start('--detach-on-exit');
    assert.ok(bed.ask(VIP) !== undefined);
    assert.equal(await end('SIGTERM'), 0);
    assert.match(daemon.log(), /the data path is removed/);
    bed.assertNothingLeft('balancer');
  });

  test('an interface that the configuration no longer has is left', async () => {
    const filters = (name: string) =>
      bed.run('balancer', ['tc', 'filter', 'show', 'dev', name, 'ingress']).stdout;
    daemon = await start();
    assert.match(filters('server'), /balancer_/);
    await end('SIGKILL');
    writeFileSync(config, CONFIG.replace('[client, server]', '[client]'));
    daemon = await start('--detach-on-exit');
    assert.match(filters('client'), /balancer_/);
    assert.equal(filters('server'), '');
    await end('SIGTERM');
    bed.assertNothingLeft('balancer');
  });
});
