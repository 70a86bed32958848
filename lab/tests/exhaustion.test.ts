/** Every local port is taken: clients are refused at once, people are told, and it passes. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import type { DropRow, EventRow, ListenerRow, LocalRow } from '../../control/api/rows.ts';
import { captured } from '../capture.ts';
import { balancerConfig } from '../config.ts';
import { countersDuring } from '../counters.ts';
import { openLab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { waitUntil } from '../process.ts';
import type { OpenResult } from '../tools/open.ts';
import { openConnections } from '../traffic.ts';
import { down, up } from '../up.ts';
import { answerTimesMs } from './answers.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';

const instance = 'u-exhaustion';
const LISTENER = '10.0.23.111:18056';
const QUIET_LISTENER = '10.0.23.111:18057';
const BACKEND = '10.0.98.79:8056';

/** The same ten ports in two shapes. */
const RANGES = [
  { locals: ['10.0.124.161'], addresses: '10.0.124.161', ports: '20000-20009' },
  {
    locals: ['10.0.124.161', '10.0.124.162'],
    addresses: '10.0.124.161-10.0.124.162',
    ports: '20000-20004',
  },
] as const;
const PORTS = 10;
const HELD_MS = 3_000;
/** A resting port is not given away within the first second. */
const REST_MS = 1_500;
const REFUSED_WITHIN_MS = 50;

for (const { locals, addresses, ports } of RANGES) {
  const sentence = `${PORTS} local ports on ${locals.length} LIPs`;
  describe(sentence, { skip: reasonToSkip(), timeout: 60_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'fullnat-exhaustion-'));
    let holding: Promise<OpenResult>;
    before(async () => {
      const config = join(folder, 'balancer.yaml');
      writeFileSync(config, tinyConfig(addresses, ports));
      await up({ instance, config, servers: 1 });
    });
    after(async () => {
      await down(instance);
      rmSync(folder, { recursive: true });
    });

    test('as many connections as ports', async () => {
      const lab = openLab(instance);
      holding = openConnections(lab, 'client', {
        ...{ target: LISTENER, count: PORTS, perSecond: 200, holdMs: HELD_MS, expect: 'peer' },
      });
      assert.ok(await untilLocals(({ inUse }) => inUse === PORTS));
    });

    test('one more is refused at once; counted per LIP, listener and verdict; an event', async () => {
      const lab = openLab(instance);
      const before = await sumOfLocals();
      const { result, files } = await captured(
        instance,
        ['client'],
        { filter: 'tcp port 18056' },
        () => openConnections(lab, 'client', { target: LISTENER, count: 5, perSecond: 100 }),
      );
      assert.deepEqual(result.failuresByCode, { ECONNREFUSED: 5 });
      const answers = answerTimesMs(files.get('client') ?? '');
      assert.equal(answers.length, 5);
      const slowest = Math.max(...answers);
      tell(`refused ${slowest.toFixed(2)} ms after the SYN at most`);
      assert.ok(slowest < REFUSED_WITHIN_MS, `${slowest} ms`);

      const rows = await rowsOf<LocalRow>(instance, 'balancer', 'locals');
      assert.deepEqual(
        rows.map(({ address, backend, inUse, capacity }) => [address, backend, inUse, capacity]),
        locals.map((address) => [address, BACKEND, PORTS / locals.length, PORTS / locals.length]),
      );
      // Each LIP was asked for each of the five.
      const { failed } = await sumOfLocals();
      assert.equal(failed - before.failed, 5 * locals.length);
      const [listener] = await rowsOf<ListenerRow>(instance, 'balancer', 'listeners');
      assert.deepEqual([listener?.refused, listener?.live], [5, PORTS]);
      assert.equal(await dropped('reset-no-local-port'), 5);
      await assertEvent(locals);
    });

    test('a listener that refuses in silence does so, and is counted too', async () => {
      const lab = openLab(instance);
      const target = QUIET_LISTENER;
      const result = await openConnections(lab, 'client2', { target, count: 2, timeoutMs: 500 });
      assert.deepEqual(result.failuresByCode, { TIMEOUT: 2 });
      assert.equal(await dropped('drop-no-local-port'), 2);
    });

    test('when they rest they serve again, with the numbers of new clients moved on', async () => {
      const lab = openLab(instance);
      const held = await holding;
      assert.deepEqual([held.answered, held.failures, held.wrongAnswers], [PORTS, [], []]);
      assert.ok(await untilLocals(({ resting }) => resting === PORTS));
      await sleep(REST_MS);
      const { result: again, changes } = await countersDuring(lab.namespace('client2'), () =>
        openConnections(lab, 'client2', {
          ...{ target: LISTENER, count: PORTS, perSecond: 200, holdMs: 200, expect: 'peer' },
        }),
      );
      assert.deepEqual([again.answered, again.failures], [PORTS, []]);
      assert.equal(changes.get('TcpExtTCPSynRetrans'), undefined, 'a server refused a SYN');
      assert.equal((await sumOfLocals()).reused, PORTS);
    });
  });
}

function tinyConfig(addresses: string, ports: string): string {
  const config = parse(balancerConfig(labOptions({ instance, servers: 1 }))) as {
    locals: object[];
    listeners: object[];
  };
  config.locals = [{ addresses, ports }];
  config.listeners.push({
    ...{ address: QUIET_LISTENER, name: 'quiet', pool: 'web', onRefused: 'drop' },
  });
  return stringify(config);
}

type Sum = { inUse: number; resting: number; failed: number; reused: number };

async function sumOfLocals(): Promise<Sum> {
  const sum: Sum = { inUse: 0, resting: 0, failed: 0, reused: 0 };
  for (const row of await rowsOf<LocalRow>(instance, 'balancer', 'locals')) {
    sum.inUse += row.inUse;
    sum.resting += row.resting;
    sum.failed += row.failed;
    sum.reused += row.reused;
  }
  return sum;
}

function untilLocals(isSo: (sum: Sum) => boolean): Promise<boolean> {
  return waitUntil(async () => isSo(await sumOfLocals()), { timeoutMs: 10_000, everyMs: 25 });
}

async function dropped(verdict: string): Promise<number> {
  const drops = await rowsOf<DropRow>(instance, 'balancer', 'drops');
  return drops.find(({ name }) => name === verdict)?.packets ?? 0;
}

async function assertEvent(locals: readonly string[]): Promise<void> {
  const found = async () => {
    const events = await rowsOf<EventRow>(instance, 'balancer', 'events');
    return events.filter(({ type }) => type === 'no-local-port');
  };
  // The daemon reads events ten times a second.
  assert.ok(await waitUntil(async () => (await found()).length > 0, { timeoutMs: 2_000 }));
  const [event] = await found();
  assert.deepEqual(
    [event?.['pool'], event?.['listener'], event?.['backend']],
    ['web', LISTENER, BACKEND],
  );
  assert.ok(
    locals.includes(String(event?.['local'])),
    `the event names a LIP: ${event?.['local']}`,
  );
}
