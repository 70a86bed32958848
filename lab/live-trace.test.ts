/** A live trace of the report's case: the failure is told while it lasts, and nothing is left behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CAPTURE_POINTS, type CapturePoint } from './capture.ts';
import { openLab } from './lab.ts';
import { runFolder } from './paths.ts';
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
  before(() => up({ instance, servers: 1, onCollision: 'drop' }));
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

  test('killed with -9, it leaves no capture behind', async () => {
    const live = start('--for', '60s');
    await live.capturing;
    const captures = childrenOf(live.pid);
    assert.equal(captures.length, 5);
    live.kill();
    await live.ended;
    const left = () => captures.filter((pid) => existsSync(`/proc/${pid}`));
    for (let i = 0; i < 50 && left().length > 0; i += 1) await sleep(100);
    assert.deepEqual(left(), []);
  });
});

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

function start(...words: string[]) {
  const places = (Object.keys(CAPTURE_POINTS) as CapturePoint[]).map((point) => {
    const { role, device } = CAPTURE_POINTS[point];
    return `${point}=netns:${namespaceName(instance, role)}/${device}`;
  });
  const socket = `${runFolder(instance)}/balancer.sock`;
  places.splice(
    1,
    0,
    `balancer=netns:${namespaceName(instance, 'balancer')}/eth0,balancer:${socket}`,
  );
  const argv = [
    MAIN,
    'trace',
    '--live',
    VIRTUAL,
    ...places.flatMap((at) => ['--at', at]),
    ...words,
  ];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
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
