/** A live trace of the report's case: the failure is told while it lasts, and nothing is left behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CAPTURE_POINTS, type CapturePoint } from './capture.ts';
import { daemonStatus } from './daemons.ts';
import { openLab } from './lab.ts';
import { runFolder } from './paths.ts';
import { waitUntil } from './process.ts';
import { sshInto } from './ssh.ts';
import { withClient } from './scripted.ts';
import { CLIENT_ADDRESS, namespaceName, SERVER_ADDRESSES, SERVER_PORT } from './topology.ts';
import { openConnections } from './traffic.ts';
import { down, up } from './up.ts';

const instance = 'tr-live';
const MAIN = resolve(import.meta.dirname, '../cli/main.js');
const VIRTUAL = '10.0.23.111:18056';
const DIRECT = `${SERVER_ADDRESSES.server1}:${SERVER_PORT}`;
const PORT = 21_521;
const skip = reasonToSkip();

describe('fullnat trace --live on the lab', { skip, timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-live-'));
  /** Programs and maps of the agent while nobody asks it for a tap. */
  let idle = 0;
  before(async () => {
    await up({ instance, servers: 1, onCollision: 'drop' });
    idle = bpfFilesOf((await daemonStatus(instance, 'agent')).pid);
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  test('it ends with the first failure, names the hop, and keeps the captures', async () => {
    const live = start('--until-failure', '--for', '40s', '--save', folder, '--json');
    await live.capturing;
    const lab = openLab(instance);
    const local = CLIENT_ADDRESS;
    const common = { local, ports: `${PORT}-${PORT}`, count: 1 };
    await withClient(lab, 'client', async (client) => {
      const direct = await client.connect(DIRECT, PORT);
      assert.ok(direct.ok && (await direct.connection.ask()) !== '');
      await openConnections(lab, 'client', { ...common, target: VIRTUAL, timeoutMs: 2_500 });
    });
    const { code, stdout } = await live.ended;
    const { conversations } = JSON.parse(stdout) as {
      conversations: {
        client: string;
        lostBetween: string[];
        hops: { point: string }[];
        match: { by: string[] };
        findings: { code: string; evidence: Record<string, unknown> }[];
      }[];
    };
    assert.equal(code, 10, stdout);
    assert.equal(conversations.length, 1, stdout);
    const [failed] = conversations;
    assert.equal(failed?.client, `${CLIENT_ADDRESS}:${PORT}`);
    assert.deepEqual(failed.lostBetween, ['host-nic', 'host-vnic']);
    // The balancer has one interface: what came and what went on, at one point.
    assert.deepEqual(
      failed.hops.map(({ point }) => point),
      ['client', 'balancer', 'balancer', 'host-nic'],
    );
    assert.ok(failed.findings.some(({ code: found }) => found === 'collision'));
    assert.deepEqual(readdirSync(folder).toSorted(), [
      'balancer.pcap',
      'client.pcap',
      'host-nic.pcap',
      'host-vnic.pcap',
      'server.pcap',
    ]);
  });

  test('the kernel’s own reason for a drop is told', async () => {
    const lab = openLab(instance);
    await lab.run('server1', [
      'nft',
      `add table ip f; add chain ip f i { type filter hook input priority 0; };` +
        `add rule ip f i tcp dport ${SERVER_PORT} ip saddr ${CLIENT_ADDRESS} drop`,
    ]);
    const live = start('--until-failure', '--for', '40s');
    await live.capturing;
    const common = { local: CLIENT_ADDRESS, ports: '23000-23000', count: 1, timeoutMs: 4_000 };
    await openConnections(lab, 'client', { ...common, target: VIRTUAL });
    const { code, stdout, stderr } = await live.ended;
    await lab.run('server1', ['nft', 'delete table ip f']);
    assert.equal(code, 10, stderr);
    assert.match(stdout, /UNANSWERED.*lost after server/);
    const dropped = `${CLIENT_ADDRESS}:23000 > ${DIRECT}`;
    assert.match(
      stderr,
      new RegExp(`SYN ${dropped} dropped by this kernel: NETFILTER_DROP in nft_`),
    );
  });

  test('daemons capture for it at their own interfaces', async () => {
    const folderOf = runFolder(instance);
    const live = startAt(
      [
        `balancer=balancer:${folderOf}/balancer.sock`,
        `host=netns:${namespaceName(instance, 'host')}/eth0`,
        `agent=agent:${folderOf}/agent.sock`,
      ],
      ...['--for', '4s', '--json', '--all'],
    );
    await live.capturing;
    const lab = openLab(instance);
    const common = { local: CLIENT_ADDRESS, ports: '24000-24000', count: 1, timeoutMs: 4_000 };
    await openConnections(lab, 'client', { ...common, target: VIRTUAL });
    const { code, stdout, stderr } = await live.ended;
    assert.equal(code, 0, stderr);
    const { conversations } = JSON.parse(stdout) as {
      conversations: { client: string; hops: { point: string }[] }[];
    };
    const one = conversations.find(({ client }) => client === `${CLIENT_ADDRESS}:24000`);
    assert.deepEqual(
      one?.hops.map(({ point }) => point),
      ['balancer', 'balancer', 'host', 'agent'],
      stdout,
    );
  });

  const lacksSshd = existsSync('/usr/sbin/sshd') ? false : 'needs openssh-server';
  test('over ssh it runs tcpdump, and asks daemons', { skip: lacksSshd }, async () => {
    const keys = mkdtempSync(join(folder, 'ssh-'));
    const under = await sshInto(keys, instance, 'host');
    const live = startUnder(
      under,
      [
        `client=netns:${namespaceName(instance, 'client')}/eth0`,
        'host-nic=ssh:root@lab/eth0',
        `agent=ssh:root@lab,agent:${runFolder(instance)}/agent.sock`,
      ],
      ...['--backend', DIRECT, '--for', '5s', '--json', '--all'],
    );
    await live.capturing;
    const common = { local: CLIENT_ADDRESS, ports: '25000-25000', count: 1, timeoutMs: 4_000 };
    await openConnections(openLab(instance), 'client', { ...common, target: VIRTUAL });
    const { code, stdout, stderr } = await live.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /host-nic: ssh .* root@lab 'tcpdump -i eth0 /);
    const { conversations } = JSON.parse(stdout) as {
      conversations: { client: string; hops: { point: string }[] }[];
    };
    const one = conversations.find(({ client }) => client === `${CLIENT_ADDRESS}:25000`);
    assert.deepEqual(
      one?.hops.map(({ point }) => point),
      ['client', 'host-nic', 'agent'],
      stdout,
    );
  });

  test('killed with -9, it leaves no capture behind', async () => {
    const { pid: agent } = await daemonStatus(instance, 'agent');
    const ofTaps = () => bpfFilesOf(agent) - idle;
    // The one that an earlier test asked for may still be going away.
    assert.ok(await waitUntil(() => ofTaps() === 0, { timeoutMs: 10_000 }));
    const live = startAt([...everyPoint(), `agent=agent:${runFolder(instance)}/agent.sock`]);
    await live.capturing;
    const captures = childrenOf(live.pid);
    // The kernel's taps are files of the process itself; what asks the agent is a child.
    assert.equal(captures.length, 1);
    assert.ok(bpfFilesOf(live.pid) > 0 && ofTaps() > 0);
    live.kill();
    await live.ended;
    const left = () => captures.filter((pid) => existsSync(`/proc/${pid}`)).length + ofTaps();
    assert.ok(await waitUntil(() => left() === 0, { timeoutMs: 10_000 }), `${left()} left`);
  });
});

/** Programs, maps and links that a process holds. */
function bpfFilesOf(pid: number | undefined): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  return links.filter((link) => link.startsWith('anon_inode:bpf')).length;
}

function childrenOf(parent: number | undefined): string[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/status`, 'utf8').includes(`\nPPid:\t${parent}\n`);
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

function everyPoint(): string[] {
  const places = (Object.keys(CAPTURE_POINTS) as CapturePoint[]).map((point) => {
    const { role, device } = CAPTURE_POINTS[point];
    return `${point}=netns:${namespaceName(instance, role)}/${device}`;
  });
  const socket = `${runFolder(instance)}/balancer.sock`;
  const balancer = `balancer=netns:${namespaceName(instance, 'balancer')}/eth0`;
  return places.toSpliced(1, 0, `${balancer},balancer:${socket}`);
}

function start(...words: string[]) {
  return startAt(everyPoint(), ...words);
}

function startAt(places: readonly string[], ...words: string[]) {
  return startUnder([], places, ...words);
}

/** `before` is a program that starts it. */
function startUnder(before: readonly string[], places: readonly string[], ...words: string[]) {
  const at = places.flatMap((place) => ['--at', place]);
  const argv = [...before, process.execPath, MAIN, 'trace', '--live', VIRTUAL, ...at, ...words];
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
  }));
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (stderr.includes('capturing for')) resolve();
    });
    void ended.then(() => reject(new Error(`it ended: ${stderr}`)));
  });
  return { pid: child.pid, capturing: ready, ended, kill: () => child.kill('SIGKILL') };
}

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const object = resolve(import.meta.dirname, '../datapath/agent/agent.bpf.o');
  return existsSync(object) ? false : `needs ${object}: npm run build`;
}
