/** Daemons that are told to read their file again, under a connection that goes on; and interfaces that go and come back. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  eventually,
  makeTestbed,
  whatIsMissing,
  type Daemon,
  type Role,
  type Testbed,
} from '../daemon-testbed.ts';

const instance = `reloadtest${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'fullnat-'));
const files: Readonly<Record<Role, string>> = {
  balancer: join(folder, 'balancer.yaml'),
  agent: join(folder, 'agent.yaml'),
};

const VIP = '10.7.23.111:18056';
const OTHER_VIP = '10.7.23.112:80';
const ONE = '10.7.98.79:8056';
const TWO = '10.7.98.80:8056';

const BALANCER = `
instance: ${instance}
interfaces: [client, server]
locals: [{ addresses: 10.7.124.160/30 }]
sessions: { capacity: 10000 }
listeners: [{ address: ${VIP}, name: web, pool: web }]
pools:
  - name: web
    health: { tcp: {}, interval: 100ms, timeout: 100ms, rise: 1, fall: 3 }
    backends: [{ address: ${ONE} }, { address: ${TWO} }]
`;
const AGENT = `
instance: ${instance}
interfaces: [{ name: eth0, facing: network }]
sessions: { capacity: 10000 }
trustedLocals: [10.7.124.160/28]
servers: [{ address: ${ONE} }, { address: ${TWO} }]
`;

describe('reloads', { skip: whatIsMissing(), timeout: 90_000 }, () => {
  let bed: Testbed;
  let daemons: Record<Role, Daemon>;
  let held: ReturnType<Testbed['hold']>;

  const infoOf = (role: Role) => bed.get(role, 'info')[0] ?? {};
  const linesWith = (role: Role, words: string) =>
    daemons[role]
      .log()
      .split('\n')
      .filter((line) => line.includes(words));
  const reload = async (role: Role, text: string) => {
    const [since, refusals] = [infoOf(role)['configSince'], linesWith(role, 'not reloaded').length];
    writeFileSync(files[role], text);
    daemons[role].process.kill('SIGHUP');
    await eventually(
      () =>
        infoOf(role)['configSince'] !== since || linesWith(role, 'not reloaded').length > refusals,
      5_000,
    );
    return infoOf(role)['reloadError'];
  };

  before(async () => {
    bed = makeTestbed(instance);
    for (const address of [ONE, TWO]) bed.startServer(address);
    await eventually(() => bed.ask(ONE) !== undefined && bed.ask(TWO) !== undefined);
    writeFileSync(files.balancer, BALANCER);
    writeFileSync(files.agent, AGENT);
    daemons = {
      balancer: await bed.startDaemon('balancer', 'balancer', '-c', files.balancer),
      agent: await bed.startDaemon('server', 'agent', '-c', files.agent),
    };
    held = bed.hold(VIP);
    await held.goesOn();
  });

  after(() => {
    bed.remove();
    rmSync(folder, { recursive: true });
  });

  test('a listener and a pool are added, and served', async () => {
    assert.equal(bed.ask(OTHER_VIP), undefined);
    const more = BALANCER.replace(
      'pools:',
      `  - { address: "${OTHER_VIP}", pool: other }\npools:\n  - { name: other, health: off, backends: [{ address: ${TWO} }] }`,
    ).replace(/listeners: \[(.*)\]/, 'listeners:\n  - $1');
    assert.equal(await reload('balancer', more), null);
    assert.equal(bed.ask(OTHER_VIP)?.server, TWO.split(':')[0]);
    assert.ok(bed.ask(VIP) !== undefined);
    await held.goesOn();
    assert.match(linesWith('balancer', 'configuration reloaded')[0] ?? '', /"listeners","pools"/);
  });

  test('a backend is removed: its connections go on, new ones go to the others', async () => {
    const [session] = bed.get('balancer', 'sessions?state=established');
    const [own, other] = session?.['backend'] === ONE ? [ONE, TWO] : [TWO, ONE];
    const fewer = BALANCER.replace(`{ address: ${own} }`, '')
      .replace('[, ', '[')
      .replace(', ]', ']');
    assert.equal(await reload('balancer', fewer), null);
    for (let i = 0; i < 4; i++) assert.equal(bed.ask(VIP)?.server, other?.split(':')[0]);
    await held.goesOn();
    assert.deepEqual(
      bed.get('balancer', 'backends').map(({ address }) => address),
      [other],
    );
    assert.equal(await reload('balancer', BALANCER), null);
    assert.equal(new Set(Array.from({ length: 6 }, () => bed.ask(VIP)?.server)).size, 2);
  });

  test('applied by the API: in force, told apart from the file, and rolled back', async () => {
    const applied = join(folder, 'applied.yaml');
    writeFileSync(
      applied,
      BALANCER.replace(`{ address: ${TWO} }`, `{ address: ${TWO}, weight: 0 }`),
    );
    const fullnat = (...words: string[]) => bed.fullnat('balancer', ...words);
    const differs = fullnat('diff', '-f', applied);
    assert.match(differs.stdout, new RegExp(`^~ pools.web.backends.${TWO}.weight: 1 → 0\n$`));
    assert.equal(differs.status, 1);
    assert.equal(fullnat('apply', '-f', applied).status, 0);
    assert.equal(fullnat('diff', '-f', applied).status, 0);
    for (let i = 0; i < 4; i++) assert.equal(bed.ask(VIP)?.server, ONE.split(':')[0]);
    const set = fullnat('set', 'weight', TWO, '3', '--instance', instance);
    assert.equal(set.stdout, `web ${TWO}: weight 3\n`);
    assert.match(fullnat('diff', '-f', applied).stdout, /^! .*weight: 0 → 3 \(beside the file, /);
    assert.equal(fullnat('rollback', '--instance', instance).status, 0);
    assert.equal(fullnat('apply', '-f', files.balancer, '--take-back').status, 0);
    assert.equal(fullnat('diff', '-f', files.balancer).status, 0);
    assert.equal(new Set(Array.from({ length: 6 }, () => bed.ask(VIP)?.server)).size, 2);
    const wrong = join(folder, 'wrong.yaml');
    writeFileSync(wrong, BALANCER.replace('pool: web', 'pool: wbe'));
    const refused = fullnat('apply', '-f', wrong);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /wrong\.yaml:\d+:\d+: .*wbe/);
    await held.goesOn();
  });

  test('locals are other ones: new connections have them, the old one keeps its own', async () => {
    const [session] = bed.get('balancer', 'sessions?state=established');
    const moved = BALANCER.replace('10.7.124.160/30', '10.7.124.164/30');
    assert.equal(await reload('balancer', moved), null);
    assert.ok(bed.ask(VIP) !== undefined);
    const locals = bed
      .get('balancer', 'sessions')
      .filter(({ state }) => state !== 'established')
      .map(({ local }) => String(local));
    assert.ok(
      locals.some((local) => /^10\.7\.124\.16[4-7]:/.test(local)),
      locals.join(),
    );
    const again = bed.get('balancer', 'sessions?state=established');
    assert.deepEqual([again.length, again[0]?.['local']], [1, session?.['local']]);
    await held.goesOn();
    assert.equal(await reload('balancer', BALANCER), null);
  });

  const refusals: { name: string; role: Role; text: string; why: RegExp }[] = [
    {
      name: 'a file with mistakes',
      role: 'balancer',
      text: BALANCER.replace('pool: web }', 'pool: wbe }').replace('/30', '/33'),
      why: /balancer\.yaml:\d+:\d+.*\n.*wbe/,
    },
    {
      name: 'a table of another size',
      role: 'balancer',
      text: BALANCER.replace('capacity: 10000', 'capacity: 20000'),
      why: /room for \d+ entries, \d+ are wanted.*ends \d+ session/,
    },
    {
      name: 'another instance',
      role: 'agent',
      text: AGENT.replace(instance, 'another'),
      why: /start another daemon/,
    },
    {
      name: 'another mode',
      role: 'agent',
      text: `instance: ${instance}\nmode: socket\ntrustedLocals: [10.7.124.160/28]\n`,
      why: /mode: the file says socket/,
    },
  ];
  for (const { name, role, text, why } of refusals)
    test(`${name}: refused with the reason, the old one stays in force`, async () => {
      const before = bed.get('balancer', 'listeners');
      assert.match(String(await reload(role, text)), why);
      assert.equal(bed.get('balancer', 'listeners').length, before.length);
      assert.ok(bed.ask(VIP) !== undefined);
      await held.goesOn();
      assert.equal(await reload(role, role === 'balancer' ? BALANCER : AGENT), null);
    });

  test('the agent: another policy, a server less, and back', async () => {
    const text = AGENT.replace(`, { address: ${TWO} }`, '').replace(
      'servers:',
      'onCollision: local\nservers:',
    );
    assert.equal(await reload('agent', text), null);
    assert.deepEqual(
      bed.get('agent', 'servers').map(({ address, onCollision }) => [address, onCollision]),
      [[ONE, 'local']],
    );
    await held.goesOn();
    assert.equal(await reload('agent', AGENT), null);
    assert.equal(bed.get('agent', 'servers').length, 2);
    assert.match(bed.ask(VIP)?.saw ?? '', /^10\.7\.88\.100:/);
    await held.goesOn();
  });

  test('an interface is left and taken up again', async () => {
    const filters = () =>
      bed.run('balancer', ['tc', 'filter', 'show', 'dev', 'server', 'ingress']).stdout;
    const less = BALANCER.replace('[client, server]', '[client]');
    assert.equal(await reload('balancer', less), null);
    assert.equal(filters(), '');
    assert.equal(await reload('balancer', BALANCER), null);
    assert.match(filters(), /balancer_/);
    await held.goesOn();
  });

  test('an interface is down and up, gone and back: told once each, attached again', async () => {
    const ip = (...words: string[]) => bed.run('balancer', ['ip', ...words]);
    const told = (words: string) => linesWith('balancer', words).length;
    ip('link', 'set', 'server', 'down');
    await eventually(() => told('the interface is down') === 1);
    ip('link', 'set', 'server', 'up');
    await eventually(() => told('the interface is up again') === 1);
    await held.goesOn();

    /* the same card comes back: what an agent has learnt is to whom it answers */
    const mac = /link\/ether (\S+)/.exec(ip('link', 'show', 'server').stdout)?.[1] ?? '';
    ip('link', 'del', 'server');
    await eventually(() => told('the interface is gone') === 1);
    ip(
      'link',
      'add',
      'server',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      `${instance}-server`,
    );
    /* up only when both have their programs again: without the agent's, servers answer with RST */
    for (const role of ['balancer', 'agent'] as const)
      await eventually(() => linesWith(role, 'no longer there').length > 0);
    ip('link', 'set', 'server', 'address', mac, 'up');
    ip('addr', 'add', '10.7.98.1/24', 'dev', 'server');
    bed.run('balancer', ['sysctl', '-qw', 'net.ipv4.conf.server.forwarding=1']);
    const [one, two] = [ONE, TWO].map((key) => `${key.split(':')[0]}/24`);
    for (const words of [
      ['addr', 'add', one ?? '', 'dev', 'eth0'],
      ['addr', 'add', two ?? '', 'dev', 'eth0'],
      ['link', 'set', 'eth0', 'up'],
      ['route', 'add', 'default', 'via', '10.7.98.1'],
    ])
      bed.run('server', ['ip', ...words]);
    await held.goesOn();
    /* a first SYN may meet a neighbour that is being asked for */
    await eventually(() => bed.ask(VIP) !== undefined);
    assert.equal(told('the interface is gone'), 1);
    assert.equal(told('the program was no longer there'), 1);
  });
});
