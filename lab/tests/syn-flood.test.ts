/** A SYN flood against a listener that protects itself: it begins and ends by itself, and nobody else notices. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { DropRow, EventRow, InfoRow, ListenerRow } from '../../control/api/rows.ts';
import { formatIpv4Address } from '../../packet/address.ts';
import { tcp } from '../../packet/build.ts';
import { balancerConfig } from '../config.ts';
import { openLab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { waitUntil } from '../process.ts';
import { exchangeBytes, startExchangeServer, startHolding } from '../traffic.ts';
import { down, up } from '../up.ts';
import { sendFlood } from './flood.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';
import { linkBetween } from './raw.ts';

const instance = 'u-synflood';
const TARGET = '10.0.23.111:19056';
const CLIENT_DEVICE = { role: 'client', device: 'eth0' } as const;
/** Of nobody: benchmarking addresses (RFC 2544). */
const FIRST_SOURCE = 0xc612_0000;
const HELD = 1_000;
/** Far more than a retransmission takes. */
const STALL_MS = 3_000;
const THRESHOLD = 256;
const OPENING_SECONDS = 2;
const FLOOD_FRAMES = 40_000;
const AS_FAST_AS_IT_GOES = 1_000_000;
const ROUNDS = 3;
const NEW_AT_ONCE = 40;
const SMALL = { target: TARGET, parallel: 2, up: 1_000, down: 1_000 };
const LEAST_SHARE = 0.99;

describe(
  'a SYN flood, and SYN cookies by themselves',
  { skip: reasonToSkip(), timeout: 180_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'fullnat-syn-flood-'));
    before(async () => {
      const config = join(folder, 'balancer.yaml');
      writeFileSync(config, autoConfig());
      await up({ instance, config, exchange: true, servers: 1 });
      await startExchangeServer(openLab(instance), 'server1');
    });
    after(async () => {
      await down(instance);
      rmSync(folder, { recursive: true });
    });

    test('1,000 connections lose nothing, new ones get through, and half-open ones stay few', async () => {
      const lab = openLab(instance);
      const held = await startHolding(lab, 'client', {
        ...{ target: TARGET, count: HELD, everyMs: 2_000, stallMs: STALL_MS },
      });
      assert.equal((await listener()).synCookies, false, 'no flood, no cookies');
      let isOver = false;
      const flooding = sendFlood(lab, CLIENT_DEVICE, {
        ...{ frames: await frames(), rounds: ROUNDS, perSecond: AS_FAST_AS_IT_GOES },
      }).finally(() => (isOver = true));
      assert.ok(await waitUntil(async () => (await listener()).synCookies, { timeoutMs: 10_000 }));
      let [right, attempted] = [0, 0];
      do {
        const batch = await exchangeBytes(lab, 'client2', { ...SMALL, count: NEW_AT_ONCE });
        right += batch.right;
        attempted += batch.attempted;
      } while (!isOver);
      const perSecond = await flooding;
      const [info] = await rowsOf<InfoRow>(instance, 'balancer', 'info');
      const { lost, stalls, wrongEchoes, opened } = await held.stop();
      tell(
        `${Math.round(perSecond)} SYNs a second, ${await cookies()} answered with cookies; ` +
          `${right} of ${attempted} new connections succeed; half-open ${info?.sweep.opening}, ` +
          `gave way ${info?.sweep.evicted}; ${stalls} of ${HELD} waited ${STALL_MS} ms`,
      );
      assert.deepEqual({ lost, wrongEchoes, opened }, { lost: {}, wrongEchoes: 0, opened: HELD });
      assert.ok(right >= LEAST_SHARE * attempted, `${right} of ${attempted}`);
      assert.equal(info?.sweep.evicted, 0);
      assert.ok((info?.sweep.opening ?? Infinity) <= 2 * THRESHOLD, `${info?.sweep.opening}`);
      assert.ok((await cookies()) > (ROUNDS * FLOOD_FRAMES) / 2);
    });

    test('when the flood is over, so are the cookies', async () => {
      const lab = openLab(instance);
      const isOver = async () => {
        await exchangeBytes(lab, 'client2', { ...SMALL, count: 1 }); // looked at when a SYN comes
        return !(await listener()).synCookies;
      };
      assert.ok(await waitUntil(isOver, { timeoutMs: 20_000, everyMs: 200 }));
      const told = async () => {
        const events = await rowsOf<EventRow>(instance, 'balancer', 'events');
        const types = new Set(events.map(({ type }) => type));
        return types.has('syn-protection-on') && types.has('syn-protection-off');
      };
      assert.ok(await waitUntil(told, { timeoutMs: 5_000 }), 'both are events');
    });
  },
);

function autoConfig(): string {
  const config = parse(balancerConfig(labOptions({ instance, servers: 1, exchange: true }))) as {
    timeouts: object;
    listeners: object[];
  };
  config.timeouts = { opening: `${OPENING_SECONDS}s` };
  for (const one of config.listeners)
    Object.assign(one, { synProtection: 'auto', synThreshold: THRESHOLD });
  return stringify(config);
}

async function frames(): Promise<Uint8Array[]> {
  const router = { role: 'router', device: 'br0' } as const;
  const ethernet = await linkBetween(openLab(instance), CLIENT_DEVICE, router);
  return Array.from({ length: FLOOD_FRAMES }, (_, i) => {
    const from = `${formatIpv4Address((FIRST_SOURCE + i) as never)}:${1024 + (i % 60_000)}`;
    return tcp({ ethernet, flags: 'S', sequence: i, from, to: TARGET });
  });
}

async function listener(): Promise<ListenerRow> {
  const rows = await rowsOf<ListenerRow>(instance, 'balancer', 'listeners');
  const row = rows.find(({ address }) => address === TARGET);
  assert.ok(row);
  return row;
}

async function cookies(): Promise<number> {
  const rows = await rowsOf<DropRow>(instance, 'balancer', 'drops');
  return rows.find(({ name }) => name === 'cookie')?.packets ?? 0;
}
