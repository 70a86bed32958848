/** The lab itself, on this machine: built, used, removed; also after parts of it died. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { captured, readCapture } from './capture.ts';
import { badChecksums, countChecksums } from './checksums.ts';
import { countersDuring } from './counters.ts';
import { openLab } from './lab.ts';
import { listNamespaces, processesIn } from './namespaces.ts';
import { setOffloads, setPathMtu } from './offloads.ts';
import { pinFolder, runFolder } from './paths.ts';
import { runProgram, waitUntil } from './process.ts';
import { serverPid, stopServer } from './servers.ts';
import { status } from './status.ts';
import { topology } from './topology.ts';
import {
  exchangeBytes,
  openConnections,
  startExchangeServer,
  startHolding,
  startedOpening,
} from './traffic.ts';
import { down, up } from './up.ts';

const instance = 'labtest';
const chosen = { instance, daemons: false } as const;
const SERVER = '10.0.98.79:8056';
const EXCHANGE = '10.0.98.79:9056';
/** Of the IPv4 source address, after 14 bytes of Ethernet. */
const SOURCE_LAST_BYTE = 14 + 15;
const skip = process.getuid?.() === 0 ? false : 'needs root';

describe('the lab', { skip, timeout: 120_000 }, () => {
  after(() => down(instance));

  for (const round of [1, 2]) {
    test(`round ${round}: up, a direct connection, down, nothing left`, async () => {
      assert.deepEqual(await up(chosen), { kind: 'built' });
      const lab = openLab(instance);
      const argv = ['curl', '-s', '--local-port', '21521', `http://${SERVER}/`];
      const { stdout } = await lab.run('client', argv);
      assert.equal(stdout, 'server1 10.0.88.100:21521\n');
      mkdirSync(`${pinFolder(instance)}/balancer`, { recursive: true });
      assert.ok(processesIn(listNamespaces(instance)).length >= 4, 'two nginx of two processes');
      const held = heldFiles();
      await down(instance);
      assert.deepEqual(leftovers(held), []);
    });
  }

  test('down after half of it was killed leaves nothing', async () => {
    await up(chosen);
    const names = listNamespaces(instance);
    const held = heldFiles();
    const master = serverPid(instance, 'server1');
    assert.ok(master !== undefined);
    process.kill(master, 'SIGKILL'); // its worker lives on
    await runProgram(['ip', 'netns', 'delete', `${instance}-router`]);
    rmSync(`${runFolder(instance)}/lab.json`);
    assert.ok(processesIn(names).length > 0);
    await down(instance);
    assert.deepEqual(leftovers(held), []);
    assert.deepEqual(await down(instance), { namespaces: [], files: [] });
  });

  test('an equal lab stays, a different or damaged one is built again', async () => {
    await up(chosen);
    assert.deepEqual(await up(chosen), { kind: 'unchanged' });
    assert.deepEqual(await up({ ...chosen, servers: 1 }), {
      kind: 'rebuilt',
      because: 'other options: servers',
    });
    await stopServer(instance, 'server1');
    assert.equal((await status(instance)).whole, false);
    assert.deepEqual(await up({ ...chosen, servers: 1 }), {
      kind: 'rebuilt',
      because: 'not running: server1',
    });
    assert.equal((await status(instance)).whole, true);
    await down(instance);
  });

  test('servers that close first are left with the TIME_WAIT', async () => {
    await up({ ...chosen, closeFirst: true });
    const lab = openLab(instance);
    await lab.run('client', ['curl', '-s', `http://${SERVER}/`]);
    const resting = async (role: 'client' | 'server1') =>
      (await lab.run(role, ['ss', '-Htan', 'state', 'time-wait'])).stdout.trim().split('\n');
    // curl is gone before its last ACK has arrived.
    const atServer = async () =>
      /10\.0\.98\.79:8056 +10\.0\.88\.100:/.test((await resting('server1')).join());
    assert.ok(await waitUntil(atServer, { timeoutMs: 5_000 }));
    assert.deepEqual(await resting('client'), ['']);
    await down(instance);
  });

  test('an instance that is no lab is not touched', async () => {
    const folder = runFolder('labtest-foreign');
    mkdirSync(folder, { recursive: true });
    try {
      await assert.rejects(down('labtest-foreign'), /belong to an instance that is no lab/);
      assert.ok(existsSync(folder));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('in the lab', { skip, timeout: 120_000 }, () => {
  before(() => up(chosen));
  after(() => down(instance));

  test('connections opened at a rate: none slow, each server line names the peer', async () => {
    const lab = openLab(instance);
    const result = await openConnections(lab, 'client', {
      target: SERVER,
      ...{ count: 200, perSecond: 400, ports: '40000-40999', local: '10.0.88.100' },
      ...{ closer: 'server', expect: 'peer' },
    });
    assert.deepEqual(
      { ...result, connectMs: undefined, ports: result.ports.length },
      {
        ...{
          attempted: 200,
          connected: 200,
          answered: 200,
          slow: 0,
          connectMs: undefined,
          ports: 200,
        },
        ...{ failures: [], failuresByCode: {}, answers: { server1: 200 }, wrongAnswers: [] },
      },
    );
  });

  test('the traffic program tells refusals and silence', async () => {
    const lab = openLab(instance);
    const refused = await openConnections(lab, 'client', { target: '10.0.98.79:1', count: 3 });
    assert.deepEqual(refused.failuresByCode, { ECONNREFUSED: 3 });
    await lab.run('server1', ['ip', 'route', 'add', 'blackhole', '10.0.88.101']);
    const silent = await openConnections(lab, 'client2', {
      ...{ target: SERVER, count: 3, timeoutMs: 300 },
    });
    assert.deepEqual(silent.failuresByCode, { TIMEOUT: 3 });
    await lab.run('server1', ['ip', 'route', 'delete', 'blackhole', '10.0.88.101']);
  });

  test('a lost SYN is seen as a slow connect and by the counters', async () => {
    const lab = openLab(instance);
    const nft = (words: string) => lab.run('client', ['nft', words]);
    await nft('add table ip t; add chain ip t o { type filter hook output priority 0; }');
    // The second of two SYNs; the third is the second again.
    await nft('add rule ip t o tcp flags & (syn|ack) == syn numgen inc mod 100 == 1 drop');
    const { result, changes } = await countersDuring(lab.namespace('client'), () =>
      openConnections(lab, 'client', { target: SERVER, count: 2, perSecond: 1000 }),
    );
    await nft('delete table ip t');
    assert.deepEqual([result.connected, result.slow], [2, 1]);
    assert.equal(changes.get('TcpExtTCPSynRetrans'), 1n);
  });

  test('held connections: a killed server is seen as 20 lost ones', async () => {
    const lab = openLab(instance);
    const server = await startExchangeServer(lab, 'server1');
    const flags = { target: EXCHANGE, count: 20, everyMs: 20, seconds: 30 };
    const undisturbed = await startHolding(lab, 'client', flags);
    const other = await startHolding(lab, 'client2', flags);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const quiet = await undisturbed.stop();
    assert.deepEqual([quiet.opened, quiet.lost, quiet.stalls, quiet.wrongEchoes], [20, {}, 0, 0]);
    assert.ok(quiet.echoes >= 20, `${quiet.echoes} echoes`);
    assert.deepEqual((await server.stop()).accepted, 40);
    const broken = await other.result; // ends by itself when it has nothing left to hold
    assert.equal(
      Object.values(broken.lost).reduce((sum, n) => sum + n, 0),
      20,
    );
  });

  test('held connections: a silent second is seen as a stall of each, and loses none', async () => {
    const lab = openLab(instance);
    const server = await startExchangeServer(lab, 'server1');
    const held = await startHolding(lab, 'client', {
      ...{ target: EXCHANGE, count: 10, everyMs: 20, stallMs: 300, seconds: 30 },
    });
    const route = ['blackhole', '10.0.88.100'];
    await lab.run('server1', ['ip', 'route', 'add', ...route]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await lab.run('server1', ['ip', 'route', 'delete', ...route]);
    // Retransmissions are some hundred milliseconds apart by now.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const result = await held.stop();
    await server.stop();
    assert.deepEqual([result.stalls, result.lost, result.wrongEchoes], [10, {}, 0]);
  });

  test('bytes both ways, with checksums on the wire and at both ends', async () => {
    const lab = openLab(instance);
    const server = await startExchangeServer(lab, 'server1');
    // Checksums are complete on the wire only when no card is asked to complete them.
    const ends = [
      { role: 'client', device: 'eth0' },
      { role: 'server1', device: 'eth0' },
    ] as const;
    const offloads = { gso: true, gro: true, txChecksum: false };
    for (const end of ends) await setOffloads(instance, end, offloads);
    await setPathMtu(topology({ instance }), 9000);
    const { result, files } = await captured(
      instance,
      ['client', 'server', 'host-nic', 'host-vnic'],
      { filter: 'tcp port 9056' },
      () =>
        exchangeBytes(lab, 'client', {
          ...{ target: EXCHANGE, count: 40, parallel: 4, sizes: 'random' },
          ...{ up: 100_000, down: 100_000 },
        }),
    );
    assert.deepEqual([result.right, result.wrong, result.failures], [40, [], {}]);
    for (const [point, file] of files) {
      assert.deepEqual(await badChecksums(file), [], point);
      const { good, left, bad } = countChecksums(readCapture(file));
      assert.ok(good > 100, `${good} at ${point}`);
      assert.deepEqual([left, bad], [0, []], point);
    }
    assert.deepEqual((await server.stop()).failures, {});
  });

  test('checksums left to the card are told from wrong ones', async () => {
    const lab = openLab(instance);
    const client = { role: 'client', device: 'eth0' } as const;
    await setOffloads(instance, client, { gso: true, gro: true, txChecksum: true });
    const { files } = await captured(instance, ['server'], { filter: 'tcp port 8056' }, () =>
      openConnections(lab, 'client', { target: SERVER }),
    );
    const file = files.get('server') ?? '';
    assert.ok((await badChecksums(file)).length > 0);
    const frames = readCapture(file);
    const { good, left, bad } = countChecksums(frames);
    assert.ok(good > 0 && left > 0, 'good from the server, left from the client');
    assert.deepEqual(bad, []);

    const damaged = frames.map((frame) => {
      const bytes = Uint8Array.from(frame.bytes);
      bytes[SOURCE_LAST_BYTE] = 7;
      return { ...frame, bytes };
    });
    assert.equal(countChecksums(damaged).bad.length, frames.length);
  });

  test('traffic goes on while something else is done, and can be ended early', async () => {
    const lab = openLab(instance);
    const flags = { target: SERVER, count: 100_000, perSecond: 50 };
    const opening = await startedOpening(lab, 'client', flags);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const result = await opening.stop();
    assert.ok(result.attempted > 0 && result.attempted < 100_000, `${result.attempted}`);
    assert.equal(result.answered, result.attempted);
  });
});

/** Names that must be gone, with the processes that were in them. */
function heldFiles(): { pids: number[] } {
  return { pids: processesIn(listNamespaces(instance)) };
}

function leftovers({ pids }: { pids: number[] }): string[] {
  return [
    ...listNamespaces(instance),
    ...[runFolder(instance), pinFolder(instance)].filter((path) => existsSync(path)),
    // A zombie has no executable any more; who reaps it is not the lab's business.
    ...pids.filter((pid) => existsSync(`/proc/${pid}/exe`)).map((pid) => `process ${pid}`),
  ];
}
