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
import { CLIENT_ADDRESS, namespaceName, SERVER_ADDRESSES, SERVER_PORT } from './topology.ts';
import { openConnections, startOpening } from './traffic.ts';
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
    const held = startOpening(lab, 'client', { ...common, target: DIRECT, holdMs: 60_000 });
    await sleep(1_000);
    await openConnections(lab, 'client', { ...common, target: VIRTUAL, timeoutMs: 2_500 });
    void held.stop();
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

  test('killed with -9, it leaves no capture behind', async () => {
    const live = start('--for', '60s');
    await live.capturing;
    const before = capturing();
    live.kill();
    await live.ended;
    for (let i = 0; i < 50 && capturing() > 0; i += 1) await sleep(100);
    assert.deepEqual([before, capturing()], [5, 0]);
  });
});

/** tcpdumps that capture for this lab's listener. */
function capturing(): number {
  const filter = `host ${VIRTUAL.split(':')[0]} and port`;
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return processes.filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words[0] === 'tcpdump' && words.some((word) => word.includes(filter));
    } catch {
      return false; // it has ended meanwhile
    }
  }).length;
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
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout }));
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (stderr.includes('capturing for')) resolve();
    });
    void ended.then(() => reject(new Error(`it ended: ${stderr}`)));
  });
  return { capturing: ready, ended, kill: () => child.kill('SIGKILL') };
}

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const object = resolve(import.meta.dirname, '../datapath/agent/agent.bpf.o');
  return existsSync(object) ? false : `needs ${object}: npm run build`;
}
