/** The report's case captured at its four points: the trace names the hop that lost the SYN, and why. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CAPTURE_POINTS, captured, type CapturePoint } from './capture.ts';
import { openLab, type Lab } from './lab.ts';
import type { Ran } from './process.ts';
import { runProgram } from './process.ts';
import { withClient } from './scripted.ts';
import { CLIENT_ADDRESS, SERVER_ADDRESSES, SERVER_PORT } from './topology.ts';
import { openConnections } from './traffic.ts';
import { down, up } from './up.ts';

const instance = 'tr-trace';
const MAIN = resolve(import.meta.dirname, '../cli/main.js');
const POINTS = Object.keys(CAPTURE_POINTS) as CapturePoint[];
const VIRTUAL = '10.0.23.111:18056';
const DIRECT = `${SERVER_ADDRESSES.server1}:${SERVER_PORT}`;
/** The report's client port. */
const PORT = 21_521;
const NFTABLES_BALANCER =
  'add table ip t; add chain ip t d { type nat hook prerouting priority -100; };' +
  `add rule ip t d ip daddr 10.0.23.111 tcp dport 18056 dnat to ${DIRECT};` +
  'add chain ip t s { type nat hook postrouting priority 100; };' +
  'add rule ip t s ip daddr 10.0.98.79 tcp dport 8056 snat to 10.0.124.161:20000-29999 random';
/** By the initial sequence number: a fifth of the connections, with all their retransmissions. */
const DROP_SOME =
  'add table bridge t; add chain bridge t f { type filter hook forward priority 0; };' +
  'add rule bridge t f oifname vnet1 tcp flags syn tcp sequence < 0x33333333 drop';
const skip = reasonToSkip();

type TraceJson = {
  points: { name: string; clockOffsetSeconds: number | null }[];
  summary: Record<string, number>;
  conversations: {
    client: string;
    listener: string;
    outcome: string;
    lostBetween: [string, string | null] | null;
    direction: string | null;
    hops: { point: string; tuple: string; syn: number[] }[];
    match: { by: string[]; confidence: number } | null;
    findings: { code: string; message: string; evidence: Record<string, unknown> }[];
  }[];
};

describe('fullnat trace on the lab', { skip, timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-trace-'));
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  describe('under drop', () => {
    let files: string[] = [];
    before(async () => {
      await up({ instance, servers: 1, onCollision: 'drop' });
      files = await captureTheCase(openLab(instance), 'FAILS');
    });

    test('the hop is named, and the connection that owned the tuple', async () => {
      const { code, stdout } = await trace(...files, '--json');
      const { conversations, points } = JSON.parse(stdout) as TraceJson;
      assert.equal(code, 10);
      assert.deepEqual(
        points.map(({ name }) => name),
        POINTS,
      );
      assert.equal(conversations.length, 1, stdout);
      const [failed] = conversations;
      assert.deepEqual(
        [failed?.client, failed?.listener, failed?.outcome, failed?.lostBetween, failed?.direction],
        [`${CLIENT_ADDRESS}:${PORT}`, VIRTUAL, 'lost', ['host-nic', 'host-vnic'], 'forward'],
      );
      assert.deepEqual(
        failed?.hops.map(({ point }) => point),
        ['client', 'host-nic'],
      );
      assert.ok(failed?.match && failed.match.by.includes('toa') && failed.match.confidence > 0.99);
      const collision = failed.findings.find(({ code: found }) => found === 'collision');
      assert.equal(collision?.evidence['tuple'], `${CLIENT_ADDRESS}:${PORT} > ${DIRECT}`);
      assert.equal(collision?.evidence['restoration'], 'observed');
      const owner = collision?.evidence['owner'] as Record<string, unknown>;
      assert.deepEqual([owner['kind'], owner['state']], ['direct', 'established']);
    });

    test('for people: a line, a ladder, a page, and a file that Wireshark explains', async () => {
      const html = join(folder, 'trace.html');
      const merged = join(folder, 'merged.pcapng');
      const line = await trace(...files, '--html', html, '-w', merged);
      assert.match(line.stdout, /LOST .*10\.0\.88\.100:21521 > 10\.0\.23\.111:18056.*collision/);
      assert.equal(line.stdout.trimEnd().split('\n').length, 1);
      const ladder = await trace(...files, '--show', `${CLIENT_ADDRESS}:${PORT}`);
      assert.match(ladder.stdout, /LOST BETWEEN HOST-NIC AND HOST-VNIC/);
      assert.match(readFileSync(html, 'utf8'), /collision[^]*<svg/);
      const fields = ['-e', 'frame.interface_name', '-e', 'frame.comment'];
      const { stdout } = await runProgram([
        ...['tshark', '-r', merged, '-Y', `tcp.port == ${PORT} && tcp.flags.syn == 1`],
        ...['-T', 'fields', ...fields],
      ]);
      assert.match(stdout, /^client\tconversation \d+: 10\.0\.88\.100:21521 > 10\.0\.23\.111/m);
    });

    test('what tshark reads in the same capture is what trace counted', async () => {
      const [, file = ''] = files[1]?.split('=') ?? [];
      const { stdout } = await runProgram([
        ...['tshark', '-r', file, '-Y', 'tcp.flags.syn == 1 && tcp.flags.ack == 0'],
        ...[
          '-T',
          'fields',
          '-e',
          'ip.src',
          '-e',
          'tcp.srcport',
          '-e',
          'ip.dst',
          '-e',
          'tcp.dstport',
        ],
      ]);
      const byTshark = stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/(\S+)\t(\S+)\t(\S+)\t(\S+)/, '$1:$2 > $3:$4'));
      const all = await trace(`nic=${file}`, '--json', '--all');
      const { conversations } = JSON.parse(all.stdout) as TraceJson;
      const byTrace = conversations.flatMap(({ hops }) =>
        hops.flatMap(({ tuple, syn }) => syn.map(() => tuple)),
      );
      assert.deepEqual(byTrace.toSorted(), byTshark.toSorted());
    });
  });

  describe('under remap', () => {
    let files: string[] = [];
    before(async () => {
      await up({ instance, servers: 1, onCollision: 'remap' });
      files = await captureTheCase(openLab(instance), 'ANSWERED');
    });

    test('nothing failed, and every connection is followed through all four points', async () => {
      const { code, stdout } = await trace(...files, '--json', '--all');
      const { conversations, summary } = JSON.parse(stdout) as TraceJson;
      assert.equal(code, 0, stdout);
      assert.equal(summary['ambiguous'], 0);
      const ofClient = conversations.filter(({ hops }) => hops[0]?.point === 'client');
      assert.equal(ofClient.length, 23);
      for (const { client, hops } of ofClient)
        assert.equal(hops.map(({ point }) => point).join(), POINTS.join(), client);
      const remapped = ofClient.find(({ client, listener }) =>
        `${client} ${listener}`.startsWith(`${CLIENT_ADDRESS}:${PORT} ${VIRTUAL}`),
      );
      assert.match(remapped?.hops[2]?.tuple ?? '', /^10\.0\.88\.100:1\d{4} > /);
    });
  });

  describe('behind an nftables balancer, without daemons and without TOA', () => {
    let files: string[] = [];
    let answered = 0;
    before(async () => {
      await up({ instance, servers: 1, daemons: false });
      const lab = openLab(instance);
      await lab.run('balancer', ['nft', NFTABLES_BALANCER]);
      await lab.run('host', ['nft', DROP_SOME]);
      const { files: found, result } = await captured(
        instance,
        POINTS,
        { filter: 'tcp' },
        async () => {
          const common = { local: CLIENT_ADDRESS, perSecond: 100, timeoutMs: 1_500 };
          const opened = await openConnections(lab, 'client', {
            ...{ ...common, target: VIRTUAL, count: 60 },
          });
          // Packets afterwards show that the captures were still running.
          await openConnections(lab, 'client', { ...common, target: DIRECT, count: 10 });
          return opened;
        },
      );
      answered = result.answered;
      files = POINTS.map((point) => `${point}=${found.get(point)}`);
    });

    test('each lost connection is followed through the NAT to the hop that drops it', async () => {
      const { code, stdout } = await trace(...files, '--json');
      const { conversations, summary } = JSON.parse(stdout) as TraceJson;
      const balanced = conversations.filter(({ listener }) => listener === VIRTUAL);
      assert.equal(code, 10);
      assert.ok(answered > 0 && answered < 60, `${answered} of 60 were answered`);
      assert.deepEqual([summary['ambiguous'], balanced.length], [0, 60 - answered]);
      for (const { client, hops, lostBetween, match } of balanced) {
        assert.deepEqual(lostBetween, ['host-nic', 'host-vnic'], client);
        assert.equal(hops.length, 2);
        assert.ok(match && match.by.includes('isn'), match?.by.join());
      }
    });
  });

  /** A direct connection holds the port while the same port goes to the VIP; others around it. */
  async function captureTheCase(lab: Lab, expected: 'FAILS' | 'ANSWERED'): Promise<string[]> {
    const local = CLIENT_ADDRESS;
    const { files, result } = await captured(instance, POINTS, { filter: 'tcp' }, async () => {
      const many = (low: number) =>
        openConnections(lab, 'client', {
          ...{ target: VIRTUAL, local, ports: `${low}-${low + 9}`, count: 10, perSecond: 200 },
        });
      await many(30_000);
      return withClient(lab, 'client', async (client) => {
        const direct = await client.connect(DIRECT, PORT);
        assert.ok(direct.ok && (await direct.connection.ask()) !== '');
        const balanced = await openConnections(lab, 'client', {
          ...{ target: VIRTUAL, local, ports: `${PORT}-${PORT}`, count: 1, timeoutMs: 2_500 },
        });
        await openConnections(lab, 'client', {
          ...{ target: VIRTUAL, local, ports: `${PORT + 1}-${PORT + 1}`, count: 1 },
        });
        await many(30_010);
        return balanced;
      });
    });
    assert.equal(result.answered, expected === 'FAILS' ? 0 : 1);
    return POINTS.map((point) => `${point}=${files.get(point)}`);
  }
});

function trace(...words: string[]): Promise<Ran> {
  return runProgram([process.execPath, MAIN, 'trace', ...words], { accept: [0, 10] });
}

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const object = resolve(import.meta.dirname, '../datapath/agent/agent.bpf.o');
  if (!existsSync(object)) return `needs ${object}: npm run build`;
  return existsSync('/usr/bin/tshark') ? false : 'needs tshark';
}
