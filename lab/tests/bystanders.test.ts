/** Whatever is not for fullnat passes as if it were not there: before, with, and after its programs. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { balancerConfig } from '../config.ts';
import { startDaemons } from '../daemons.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import { waitUntil } from '../process.ts';
import type { Role } from '../topology.ts';
import { exchangeBytes } from '../traffic.ts';
import { down, up } from '../up.ts';
import {
  framesTo,
  notForThisMachine,
  otherFrames,
  type Frame,
  type Link,
} from './bystander-frames.ts';
import { assertSame, inWords, oneHopLater, without, words } from './bystander-words.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';
import { linkAddress, linkBetween, receivedDuring, sendFrames, type Device } from './raw.ts';

const instance = 'u-bystanders';
const CLIENT = '10.0.88.100';
const VIRTUAL = '10.0.23.111';
const BALANCER = '10.0.23.1';
const ROUTER = '10.0.23.254';
const SERVER = '10.0.98.79';
/** Beyond the balancer: on the way to it and back the router hands over to the server. */
const BEYOND = '10.0.77.7';
const BALANCER6 = 'fd00:23::1';
const ROUTER6 = 'fd00:23::fe';
const OWN_SERVICE = `${VIRTUAL}:22222`;

const WIRE = {
  router: { role: 'router', device: 'balancer' },
  balancer: { role: 'balancer', device: 'eth0' },
} as const;
const HOST_WIRE = {
  router: { role: 'router', device: 'host' },
  server: { role: 'server1', device: 'eth0' },
} as const;
const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
const EXCHANGE_SERVER = resolve(import.meta.dirname, '../tools/server.js');

/** Everything that came out of a wire, in words, in no order. */
type Seen = { balancer: string[]; atServer: string[]; fromServer: string[] };

describe('bystanders', { skip: reasonToSkip(), timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-bystanders-'));
  let bare: Seen;
  let attached: Seen;
  before(async () => {
    await up({ instance, daemons: false, servers: 1 });
    const lab = openLab(instance);
    await prepare(lab);
    bare = await observe(lab);
    const config = join(folder, 'balancer.yaml');
    writeFileSync(config, configWithoutChecks(lab));
    await startDaemons({ ...lab.options, config });
    attached = await observe(lab);
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  test('on the balancer’s wire: the same answers, and the same packets forwarded', () => {
    tell(
      `${attached.balancer.length} frames came out of the balancer, with its program and without`,
    );
    assert.ok(attached.balancer.length > 40);
    assertSame(attached.balancer, bare.balancer);
  });

  test('forwarded packets are as they were sent, but for one hop', async () => {
    const lab = openLab(instance);
    const link = await linkBetween(lab, WIRE.router, WIRE.balancer);
    const expected = framesTo(BEYOND, CLIENT, link)
      .filter(({ name }) => !NOT_FORWARDED.has(name))
      .map(({ bytes }) => inWords(oneHopLater(bytes)));
    for (const packet of expected) assert.ok(attached.balancer.includes(packet), packet);
    assert.ok(expected.length > 15);
  });

  test('on the server’s wire: every frame arrives byte for byte', async () => {
    const lab = openLab(instance);
    const sent = (await hostFrames(lab)).filter(({ name }) => !CHANGED_BY_BRIDGE.has(name));
    const sentWords = words(sent.map(({ bytes }) => bytes));
    assert.deepEqual(without(sentWords, bare.atServer), []);
    assert.deepEqual(without(sentWords, attached.atServer), []);
    assertSame(attached.atServer, bare.atServer);
    tell(`${attached.atServer.length} frames reached the server as they were sent`);
    assertSame(attached.fromServer, bare.fromServer);
    assert.ok(attached.fromServer.length > 10);
  });

  test('no packet of all these was counted as anything but passed', async () => {
    for (const name of ['balancer', 'agent'] as const) {
      assert.deepEqual(await rowsOf(instance, name, 'drops'), [], name);
      assert.deepEqual(await rowsOf(instance, name, 'notes'), [], name);
      assert.deepEqual(await rowsOf(instance, name, 'sessions'), [], name);
    }
  });

  test('a SYN to a listener that is for another VLAN or machine is not taken', async () => {
    const lab = openLab(instance);
    const link = await linkBetween(lab, WIRE.router, WIRE.balancer);
    const frames = notForThisMachine(`${VIRTUAL}:18056`, CLIENT, link);
    assert.deepEqual(words(await answersTo(lab, frames)), []);
    assert.deepEqual(await rowsOf(instance, 'balancer', 'sessions'), []);
  });

  test('the balancer’s own service on the virtual address works', async () => {
    const lab = openLab(instance);
    const server = await startOwnService(lab);
    const result = await exchangeBytes(lab, 'client', {
      ...{ target: OWN_SERVICE, count: 20, parallel: 4, sizes: 'random' },
      ...{ up: 200_000, down: 200_000 },
    });
    server.kill('SIGTERM');
    assert.deepEqual([result.right, result.wrong, result.failures], [20, [], {}]);
  });

  test('after detach everything is as it was before', async () => {
    const lab = openLab(instance);
    for (const role of ['balancer', 'host'] as const) {
      const argv = [process.execPath, MAIN, 'detach', '--instance', instance];
      await lab.run(role, argv, { accept: [1] });
      const { stdout } = await lab.run(role, ['tc', 'qdisc', 'show']);
      assert.doesNotMatch(stdout, /clsact/);
    }
    const again = await observe(lab);
    for (const wire of ['balancer', 'atServer', 'fromServer'] as const)
      assertSame(again[wire], bare[wire]);
  });
});

/** The kernel ends these itself: it answers the first, ignores the others. */
const NOT_FORWARDED = new Set(['TTL 1', 'a wrong IPv4 checksum', 'UDP in a VLAN']);

/** A bridge may look into IPv4: it trims padding and drops what is broken, with fullnat and without. */
const CHANGED_BY_BRIDGE = new Set(['Ethernet padding', 'a wrong IPv4 checksum']);

async function observe(lab: Lab): Promise<Seen> {
  const link = await linkBetween(lab, WIRE.router, WIRE.balancer);
  const ordinary = [
    ...[VIRTUAL, BALANCER, BEYOND].flatMap((target) => framesTo(target, CLIENT, link)),
    ...otherFrames(
      link,
      { sender: ROUTER, asked: [VIRTUAL, BALANCER] },
      { from: ROUTER6, to: BALANCER6 },
    ),
  ];
  await setIpv6(lab, 'on');
  const answers = await answersTo(lab, ordinary);
  await setIpv6(lab, 'off');
  const answersWithout6 = await answersTo(
    lab,
    ordinary.filter(({ name }) => /IPv6/.test(name)),
  );

  const frames = await hostFrames(lab);
  let atServer: Uint8Array[] = [];
  const fromServer = await receivedDuring(
    lab,
    HOST_WIRE.router,
    'not ether multicast',
    async () => {
      const filter = `ether src ${await linkAddress(lab, HOST_WIRE.router)}`;
      atServer = await receivedDuring(
        lab,
        HOST_WIRE.server,
        `${filter} or (vlan and ${filter})`,
        () => send(lab, HOST_WIRE.router, frames),
      );
    },
  );
  return {
    balancer: words([...answers, ...answersWithout6]),
    atServer: words(atServer),
    fromServer: words(fromServer),
  };
}

function answersTo(lab: Lab, frames: readonly Frame[]): Promise<Uint8Array[]> {
  return receivedDuring(lab, WIRE.router, 'not ether multicast', () =>
    send(lab, WIRE.router, frames),
  );
}

function send(lab: Lab, from: Device, frames: readonly Frame[]): Promise<void> {
  return sendFrames(
    lab,
    from,
    frames.map(({ bytes }) => bytes),
  );
}

async function hostFrames(lab: Lab): Promise<Frame[]> {
  const link: Link = await linkBetween(lab, HOST_WIRE.router, HOST_WIRE.server);
  return framesTo(SERVER, CLIENT, link);
}

/** Nothing but our own frames on the wires: known neighbours, no checks, no limits on answers. */
async function prepare(lab: Lab): Promise<void> {
  const [atRouter, atBalancer] = await Promise.all([
    linkAddress(lab, WIRE.router),
    linkAddress(lab, WIRE.balancer),
  ]);
  const ip = (role: Role, words: string) => lab.run(role, ['ip', ...words.split(' ')]);
  await ip('router', `neigh replace ${BALANCER} lladdr ${atBalancer} dev balancer nud permanent`);
  await ip('router', `neigh replace ${VIRTUAL} lladdr ${atBalancer} dev balancer nud permanent`);
  await ip('balancer', `neigh replace ${ROUTER} lladdr ${atRouter} dev eth0 nud permanent`);
  await ip('router', `route add ${BEYOND} via ${BALANCER}`);
  await ip('router', `rule add iif balancer to ${BEYOND} lookup 77`);
  await ip('router', `route add ${BEYOND} via ${SERVER} table 77`);
  await ip('server1', `addr add ${BEYOND}/32 dev lo`);
  for (const role of ['balancer', 'server1'] as const)
    await lab.run(role, [
      'sysctl',
      '-qw',
      'net.ipv4.icmp_ratelimit=0',
      'net.ipv4.icmp_msgs_per_sec=100000',
    ]);
  lab.spawn('balancer', ['python3', '-c', UDP_ECHO, VIRTUAL, '18056'], { stdio: 'ignore' });
  const isThere = async () => {
    const { stdout } = await lab.run('balancer', ['ss', '-Hlun']);
    return stdout.includes(`${VIRTUAL}:18056`);
  };
  assert.ok(await waitUntil(isThere, { timeoutMs: 5_000 }));
}

const UDP_ECHO = [
  'import socket, sys',
  's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
  's.bind((sys.argv[1], int(sys.argv[2])))',
  'while True:',
  '    data, peer = s.recvfrom(65536)',
  '    s.sendto(data, peer)',
].join('\n');

async function setIpv6(lab: Lab, state: 'on' | 'off'): Promise<void> {
  const ends = [
    { ...WIRE.router, own: ROUTER6, other: BALANCER6, neighbour: WIRE.balancer },
    { ...WIRE.balancer, own: BALANCER6, other: ROUTER6, neighbour: WIRE.router },
  ];
  for (const { role, device, own, other, neighbour } of ends) {
    const disabled = state === 'on' ? 0 : 1;
    await lab.run(role, ['sysctl', '-qw', `net.ipv6.conf.${device}.disable_ipv6=${disabled}`]);
    if (state === 'off') continue;
    await lab.run(role, ['ip', '-6', 'addr', 'add', `${own}/64`, 'dev', device, 'nodad']);
    const mac = await linkAddress(lab, neighbour);
    const words = `-6 neigh replace ${other} lladdr ${mac} dev ${device} nud permanent`;
    await lab.run(role, ['ip', ...words.split(' ')]);
  }
}

function configWithoutChecks(lab: Lab): string {
  const config = parse(balancerConfig(lab.options)) as { pools: { health: unknown }[] };
  for (const pool of config.pools) pool.health = 'off';
  return stringify(config);
}

async function startOwnService(lab: Lab) {
  const argv = [process.execPath, EXCHANGE_SERVER, '--listen', OWN_SERVICE];
  const child = lab.spawn('balancer', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  assert.ok(await waitUntil(() => said.includes('listening'), { timeoutMs: 10_000 }));
  return child;
}
