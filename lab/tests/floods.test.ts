/** Floods and limits with real packets: who has a connection keeps it, and what is refused is counted. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { DropRow, EventRow, InfoRow, NoteRow } from '../../control/api/rows.ts';
import { formatIpv4Address } from '../../packet/address.ts';
import { tcp, type TcpPacketFields } from '../../packet/build.ts';
import { balancerConfig } from '../config.ts';
import { daemonStatus } from '../daemons.ts';
import { openLab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { waitUntil } from '../process.ts';
import { openConnections, startExchangeServer, startHolding } from '../traffic.ts';
import { down, up } from '../up.ts';
import { startAttempts } from './attempts.ts';
import { sendFlood } from './flood.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';
import { linkBetween } from './raw.ts';

const instance = 'u-floods';
const VIRTUAL = '10.0.23.111';
const WEB = `${VIRTUAL}:18056`;
const EXCHANGE = `${VIRTUAL}:19056`;
const GUARDED = `${VIRTUAL}:18057`;
const LISTED = `${VIRTUAL}:18058`;
const REFUSING = `${VIRTUAL}:18060`;
const SILENT = `${VIRTUAL}:18061`;
const CLIENT_DEVICE = { role: 'client', device: 'eth0' } as const;
/** Of nobody: benchmarking addresses (RFC 2544). */
const FIRST_SOURCE = 0xc612_0000;
const ONE_SOURCE = '198.19.255.1';
const OPENING_MAX = 2_048;
const HELD = 1_000;
/** Far more than a retransmission takes. */
const STALL_MS = 3_000;
const FLOOD_FRAMES = 12_000;
const FLOOD_PER_SECOND = 8_000;
const NEW_PER_SECOND = 25;
const OTHER_FRAMES = 2_000;
const LIST_PREFIXES = 100_000;
/** Shares of a machine that is busy with other things, too; without a flood it is 1. */
const LEAST_SHARE = 0.97;

type Segment = Omit<TcpPacketFields, 'from' | 'to'>;

describe('under attack', { skip: reasonToSkip(), timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-floods-'));
  const listFile = join(folder, 'blocked.txt');
  before(async () => {
    writeFileSync(listFile, '10.0.88.101\n');
    const config = join(folder, 'balancer.yaml');
    writeFileSync(config, guardedConfig(listFile));
    await up({ instance, config, exchange: true, servers: 1 });
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  test('SYN flood from random addresses: established lose nothing, new ones get through, memory is bounded', async () => {
    const lab = openLab(instance);
    const server = await startExchangeServer(lab, 'server1');
    const held = await startHolding(lab, 'client', {
      ...{ target: EXCHANGE, count: HELD, everyMs: 2_000, stallMs: STALL_MS },
    });
    const oneMore = await openConnections(lab, 'client2', { target: EXCHANGE, count: 2 });
    assert.deepEqual(oneMore.failuresByCode, { ECONNREFUSED: 2 }, 'the backend has its most');
    await assertEvent('backend-limit');
    const attempts = startAttempts(lab, 'client2', WEB, NEW_PER_SECOND);
    const frames = await framesFrom(FLOOD_FRAMES, WEB, { flags: 'S', sequence: 1 });
    const perSecond = await sendFlood(lab, CLIENT_DEVICE, { frames, perSecond: FLOOD_PER_SECOND });
    const [info] = await rowsOf<InfoRow>(instance, 'balancer', 'info');
    await attempts.stop();
    const { lost, stalls, wrongEchoes, opened } = await held.stop();
    await server.stop();
    const ended = attempts.ended();
    const good = ended.filter(({ outcome }) => outcome === 'server1').length;
    tell(
      `${Math.round(perSecond)} SYNs a second: ${good} of ${ended.length} new connections succeed; ` +
        `half-open ${info?.sweep.opening}, gave way ${info?.sweep.evicted}; ` +
        `${stalls} of ${HELD} connections waited ${STALL_MS} ms`,
    );
    assert.deepEqual({ lost, wrongEchoes, opened }, { lost: {}, wrongEchoes: 0, opened: HELD });
    assert.ok(ended.length > 0 && good >= LEAST_SHARE * ended.length, `${good} of ${ended.length}`);
    assert.ok((info?.sweep.opening ?? Infinity) <= OPENING_MAX + NEW_PER_SECOND);
    assert.ok((await counted('notes', 'opening-evicted')) >= FLOOD_FRAMES / 2);
    await assertEvent('opening-limit');
  });

  test('SYN flood from one address: refused by its own limits, others are let in', async () => {
    const lab = openLab(instance);
    const frames = await framesOf(ONE_SOURCE, OTHER_FRAMES, GUARDED, { flags: 'S', sequence: 1 });
    const before = await refusedClients();
    await sendFlood(lab, CLIENT_DEVICE, { frames, perSecond: FLOOD_PER_SECOND });
    const refused = (await refusedClients()) - before;
    tell(`${refused} of ${OTHER_FRAMES} SYNs of one address refused`);
    assert.ok(refused >= OTHER_FRAMES - 100, `${refused}`);
    const others = await openConnections(lab, 'client2', { target: GUARDED, count: 5 });
    assert.deepEqual([others.answered, others.failures], [5, []]);
    await assertEvent('client-limit', ONE_SOURCE);
  });

  for (const [name, segment, verdict] of [
    ['ACK', { flags: 'A', sequence: 1, acknowledgment: 7 }, 'reset-unknown'],
    ['FIN', { flags: 'FA', sequence: 1, acknowledgment: 7 }, 'reset-unknown'],
    ['RST', { flags: 'R', sequence: 1 }, 'drop-unknown'],
    ['fragment', { flags: 'A', fragment: { offsetBytes: 0, more: true } }, 'drop-fragment'],
  ] as const)
    test(`${name} flood: every one counted as ${verdict}, and no session made`, async () => {
      const lab = openLab(instance);
      const [before, live] = [await counted('drops', verdict), await liveSessions()];
      const frames = await framesFrom(OTHER_FRAMES, WEB, segment);
      await sendFlood(lab, CLIENT_DEVICE, { frames, perSecond: FLOOD_PER_SECOND });
      assert.ok(
        await waitUntil(async () => (await counted('drops', verdict)) - before >= OTHER_FRAMES, {
          timeoutMs: 5_000,
        }),
        `${(await counted('drops', verdict)) - before} of ${OTHER_FRAMES}`,
      );
      assert.ok((await liveSessions()) <= live);
    });

  test('an access list: who is on it is refused; 100,000 prefixes replace it and nobody else notices', async () => {
    const lab = openLab(instance);
    const denied = await openConnections(lab, 'client2', { target: LISTED, count: 3 });
    assert.deepEqual(denied.failuresByCode, { ECONNREFUSED: 3 });
    assert.equal(await counted('drops', 'reset-denied'), 3);
    const attempts = startAttempts(lab, 'client', LISTED, NEW_PER_SECOND);
    writeFileSync(listFile, longList());
    const { pid } = await daemonStatus(instance, 'balancer');
    assert.ok(pid !== undefined);
    const began = performance.now();
    process.kill(pid, 'SIGHUP');
    const changed = await waitUntil(
      async () =>
        (await openConnections(lab, 'client2', { target: LISTED, count: 1 })).answered === 1,
      { timeoutMs: 20_000 },
    );
    tell(
      `a list of ${LIST_PREFIXES} prefixes in force after ${Math.round(performance.now() - began)} ms`,
    );
    await attempts.stop();
    assert.ok(changed, 'who is on the list no more is let in');
    const outcomes = new Set(attempts.ended().map(({ outcome }) => outcome));
    assert.deepEqual([...outcomes], ['server1']);
  });

  test('a backend that answers RST, and one that answers nothing: the client hears the same', async () => {
    const lab = openLab(instance);
    const refused = await openConnections(lab, 'client', { target: REFUSING, count: 3 });
    assert.deepEqual(refused.failuresByCode, { ECONNREFUSED: 3 });
    const silent = await openConnections(lab, 'client', {
      ...{ target: SILENT, count: 3, timeoutMs: 500 },
    });
    assert.deepEqual(silent.failuresByCode, { TIMEOUT: 3 });
    // Nothing is left half open: the sweeper ends what nobody answered.
    assert.ok(
      await waitUntil(async () => (await openingSessions()) === 0, { timeoutMs: 15_000 }),
      `${await openingSessions()} are still opening`,
    );
  });
});

function guardedConfig(listFile: string): string {
  const config = parse(balancerConfig(labOptions({ instance, servers: 1, exchange: true }))) as {
    sessions: object;
    timeouts: object;
    accessLists: object[];
    listeners: object[];
    pools: { name: string; backends: object[] }[];
  };
  const poolOf = (name: string, backend: object) =>
    config.pools.push({
      name,
      health: 'off',
      backends: [backend],
    } as (typeof config.pools)[number]);
  config.sessions = { capacity: 16_384, openingMax: OPENING_MAX };
  config.timeouts = { opening: '2s' };
  config.accessLists = [{ name: 'blocked', denyFile: listFile }];
  poolOf('refusing', { address: '10.0.98.79:9' });
  poolOf('silent', { address: '10.0.98.99:80' });
  for (const { name, backends } of config.pools)
    if (name === 'exchange')
      backends.forEach((backend) => Object.assign(backend, { maxSessions: HELD }));
  // What happens without cookies; syn-flood.test.ts has them.
  for (const listener of config.listeners) Object.assign(listener, { synProtection: 'off' });
  config.listeners.push(
    {
      ...{ address: GUARDED, pool: 'web' },
      perClient: { connectionsPerSecond: 20, burst: 40, maxOpening: 10 },
    },
    { address: LISTED, pool: 'web', access: 'blocked' },
    { address: REFUSING, pool: 'refusing' },
    { address: SILENT, pool: 'silent' },
  );
  return stringify(config);
}

/** Each of another address and port. */
function framesFrom(count: number, to: string, segment: Segment): Promise<Uint8Array[]> {
  const source = (i: number) => `${formatIpv4Address((FIRST_SOURCE + i) as never)}:${1024 + i}`;
  return framesAs(count, to, segment, source);
}

/** All of one address. */
function framesOf(from: string, count: number, to: string, segment: Segment) {
  return framesAs(count, to, segment, (i) => `${from}:${1024 + i}`);
}

async function framesAs(
  count: number,
  to: string,
  segment: Segment,
  source: (i: number) => string,
): Promise<Uint8Array[]> {
  const router = { role: 'router', device: 'br0' } as const;
  const ethernet = await linkBetween(openLab(instance), CLIENT_DEVICE, router);
  return Array.from({ length: count }, (_, i) =>
    tcp({ ethernet, ...segment, from: source(i), to }),
  );
}

/** None of them is an address of the lab. */
function longList(): string {
  return Array.from(
    { length: LIST_PREFIXES },
    (_, i) => `100.${64 + (i >> 14)}.${(i >> 6) & 255}.${(i & 63) << 2}/30\n`,
  ).join('');
}

async function counted(resource: 'drops' | 'notes', name: string): Promise<number> {
  const rows = await rowsOf<DropRow | NoteRow>(instance, 'balancer', resource);
  const row = rows.find((one) => one.name === name);
  if (row === undefined) return 0;
  return 'packets' in row ? row.packets : row.count;
}

async function refusedClients(): Promise<number> {
  const all = ['reset-client-rate', 'reset-client-opening'].map((name) => counted('drops', name));
  return (await Promise.all(all)).reduce((a, b) => a + b, 0);
}

async function liveSessions(): Promise<number> {
  return (await rowsOf<InfoRow>(instance, 'balancer', 'info'))[0]?.sweep.live ?? 0;
}

async function openingSessions(): Promise<number> {
  return (await rowsOf<InfoRow>(instance, 'balancer', 'info'))[0]?.sweep.opening ?? 0;
}

async function assertEvent(type: EventRow['type'], client?: string): Promise<void> {
  const isThere = async () =>
    (await rowsOf<EventRow>(instance, 'balancer', 'events')).some(
      (event) =>
        event.type === type && (client === undefined || String(event['client']).startsWith(client)),
    );
  assert.ok(await waitUntil(isThere, { timeoutMs: 3_000 }), `no event ${type}`);
}
