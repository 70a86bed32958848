/** The machine's wall clock jumps, by a day and back by two: nothing but what people read depends on it. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendRow, BalancerSessionRow, EventRow, InfoRow } from '../../control/api/rows.ts';
import { daemonStatus, startDaemon } from '../daemons.ts';
import { openLab } from '../lab.ts';
import { configFile } from '../paths.ts';
import { runProgram, waitUntil } from '../process.ts';
import { startExchangeServer, startHolding } from '../traffic.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, rowsOf } from './machine.ts';

const instance = 'u-clock';
const EXCHANGE_LISTENER = '10.0.23.111:19056';
/** TypeScript's output is elsewhere; the C stays where it is written. */
const SOURCE = resolve(import.meta.dirname, '../../../lab/tests/wall-clock.c');
const HELD = 20;
const DAY_SECONDS = 86_400;
/** Several health checks, and several looks of the daemon at its machine. */
const AFTER_JUMP_MS = 2_000;
const WAIT_MS = 20_000;

describe('the wall clock jumps', { skip: reasonToSkip(), timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-clock-'));
  const offset = join(folder, 'offset');
  const jumpTo = (seconds: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    // In place: the daemon has the file mapped.
    writeFileSync(offset, bytes, { flag: 'r+' });
  };
  before(async () => {
    const library = join(folder, 'wall-clock.so');
    await runProgram(['clang', '-shared', '-fPIC', '-O2', '-Wall', '-o', library, SOURCE]);
    writeFileSync(offset, Buffer.alloc(8));
    await up({ instance, servers: 1, exchange: true });
    await restartBalancer({ LD_PRELOAD: library, WALL_CLOCK_FILE: offset });
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  test('no backend changes its state, no session its age, no connection is lost', async () => {
    const lab = openLab(instance);
    const server = await startExchangeServer(lab, 'server1');
    assert.ok(await waitUntil(areUp, { timeoutMs: WAIT_MS }), 'backends are up');
    const holding = await startHolding(lab, 'client', {
      ...{ target: EXCHANGE_LISTENER, count: HELD, everyMs: 50, stallMs: 5_000, seconds: 60 },
    });
    const changes = await backendChanges();
    try {
      for (const seconds of [DAY_SECONDS, -DAY_SECONDS]) {
        jumpTo(seconds);
        await sleep(AFTER_JUMP_MS);
        assert.ok(await areUp(), 'backends stay up');
        const sessions = await rowsOf<BalancerSessionRow>(
          ...([instance, 'balancer', 'sessions?state=established'] as const),
        );
        assert.ok(sessions.length >= HELD);
        for (const { idleSeconds, ageSeconds } of sessions)
          assert.ok(idleSeconds >= 0 && idleSeconds < 60 && ageSeconds >= 0 && ageSeconds < 600);
      }
    } finally {
      await holding.stop();
      await server.stop();
    }
    assert.equal(await backendChanges(), changes, 'states that changed');
    const held = await holding.result;
    assert.deepEqual([held.opened, held.lost, held.wrongEchoes, held.stalls], [HELD, {}, 0, 0]);
  });

  test('the daemon really saw another time', async () => {
    const [info] = await rowsOf<InfoRow>(instance, 'balancer', 'info');
    assert.ok(info);
    jumpTo(10 * DAY_SECONDS);
    await restartlessReload();
    const [later] = await rowsOf<InfoRow>(instance, 'balancer', 'info');
    const jumped = Date.parse(later?.configSince ?? '') - Date.now();
    assert.ok(
      jumped > 9 * DAY_SECONDS * 1_000,
      `configuration in force since ${later?.configSince}`,
    );
  });
});

async function restartBalancer(environment: Readonly<Record<string, string>>): Promise<void> {
  const { pid } = await daemonStatus(instance, 'balancer');
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGTERM');
  assert.ok(
    await waitUntil(async () => (await daemonStatus(instance, 'balancer')).pid === undefined, {
      timeoutMs: WAIT_MS,
    }),
  );
  Object.assign(process.env, environment);
  try {
    await startDaemon(instance, 'balancer', configFile(instance, 'balancer'));
  } finally {
    for (const name of Object.keys(environment)) delete process.env[name];
  }
}

/** SIGHUP: the same file again, in force since now. */
async function restartlessReload(): Promise<void> {
  const { pid } = await daemonStatus(instance, 'balancer');
  const since = async () => (await rowsOf<InfoRow>(instance, 'balancer', 'info'))[0]?.configSince;
  const before = await since();
  process.kill(pid ?? 0, 'SIGHUP');
  assert.ok(await waitUntil(async () => (await since()) !== before, { timeoutMs: WAIT_MS }));
}

async function areUp(): Promise<boolean> {
  const rows = await rowsOf<BackendRow>(instance, 'balancer', 'backends');
  return rows.every(({ state }) => state === 'up' || state === 'unchecked');
}

async function backendChanges(): Promise<number> {
  const events = await rowsOf<EventRow>(instance, 'balancer', 'events');
  return events.filter(({ type }) => type === 'backend-state').length;
}
