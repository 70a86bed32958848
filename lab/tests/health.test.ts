/** A server that stops gets no new connections soon after, and gets them again soon after it is back. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import type { BackendRow, EventRow, ListenerRow } from '../../control/api/rows.ts';
import { captured } from '../capture.ts';
import { balancerConfig } from '../config.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { waitUntil } from '../process.ts';
import { startServer, stopServer } from '../servers.ts';
import { openConnections } from '../traffic.ts';
import { down, up } from '../up.ts';
import { answerTimesMs } from './answers.ts';
import { startAttempts } from './attempts.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';

const instance = 'u-health';
const LISTENER = '10.0.23.111:18056';
const PER_SECOND = 100;

const INTERVAL_MS = 250;
const TIMEOUT_MS = 200;
const FALL = 3;
const RISE = 2;
/** What is promised beyond interval × fall, or × rise. */
const GRACE_MS = 500;
/** Two busy cores may keep any process waiting; what is measured is told. */
const NOISE_MS = 500;
const REFUSED_WITHIN_MS = 50;
/** A SYN is sent again after a second (RFC 6298 section 2.1). */
const SYN_AGAIN_MS = 950;

type Outage = {
  sentence: string;
  stop: (lab: Lab) => Promise<unknown>;
  start: (lab: Lab) => Promise<unknown>;
  /** A check of a silent server fails only when its timeout has passed. */
  extraMs: number;
};

const OUTAGES: readonly Outage[] = [
  {
    sentence: 'a service that ended',
    stop: () => stopServer(instance, 'server1'),
    start: () => startServer(instance, 'server1', { closeFirst: false }),
    extraMs: 0,
  },
  {
    sentence: 'a server that fell silent',
    stop: (lab) => lab.run('server1', ['nft', '-f', '-'], { input: SILENCE }),
    start: (lab) => lab.run('server1', ['nft', 'delete', 'table', 'ip', 'silence']),
    extraMs: TIMEOUT_MS,
  },
];

const SILENCE =
  'table ip silence { chain in { type filter hook input priority 0; policy drop; }; }';

describe('health', { skip: reasonToSkip(), timeout: 90_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-health-'));
  before(() => {
    const config = join(folder, 'balancer.yaml');
    writeFileSync(config, slowerConfig());
    return up({ instance, config });
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  for (const { sentence, stop, start, extraMs } of OUTAGES) {
    test(`${sentence}: avoided after interval × fall, used again after interval × rise`, async () => {
      const lab = openLab(instance);
      const attempts = startAttempts(lab, 'client', LISTENER, PER_SECOND);
      await attempts.until(0, ({ outcome }) => outcome === 'server1');

      const stoppedMs = Date.now();
      await stop(lab);
      await sleep(INTERVAL_MS * FALL + GRACE_MS + NOISE_MS + 1_000);
      const startingMs = Date.now();
      await start(lab);
      await attempts.until(startingMs, ({ outcome }) => outcome === 'server1');
      const backMs = Date.now();
      await sleep(500);
      await attempts.stop();

      const all = attempts.ended();
      const during = all.filter(({ beganMs }) => beganMs > stoppedMs && beganMs < startingMs);
      /* one whose SYN had no answer is tried again by its client, and then goes elsewhere */
      const failed = during.filter(
        ({ outcome, tookMs }) => !outcome.startsWith('server') || tookMs >= SYN_AGAIN_MS,
      );
      assert.ok(failed.length > 0, 'the server really stopped');
      const avoidedAfterMs = Math.max(...failed.map(({ beganMs }) => beganMs)) - stoppedMs;
      const first = all.find((a) => a.beganMs > startingMs && a.outcome === 'server1');
      const usedAfterMs = (first?.beganMs ?? Infinity) - startingMs;
      tell(
        `${sentence}: avoided after ${avoidedAfterMs} ms (${failed.length} of ${during.length} attempts` +
          ` failed or waited: ${[...new Set(failed.map(({ outcome }) => outcome))].join(', ')}), back after ${usedAfterMs} ms`,
      );
      assert.ok(avoidedAfterMs <= INTERVAL_MS * FALL + extraMs + GRACE_MS + NOISE_MS);
      assert.ok(usedAfterMs <= INTERVAL_MS * RISE + GRACE_MS + NOISE_MS);
      const later = all.filter(({ beganMs }) => beganMs > backMs);
      const lost = later.filter(({ outcome }) => !outcome.startsWith('server'));
      assert.deepEqual(lost, [], 'after that every attempt is answered');
    });
  }

  test('all servers down: refused at once, and told; then used again', async () => {
    const lab = openLab(instance);
    const roles = ['server1', 'server2'] as const;
    for (const role of roles) await stopServer(instance, role);
    await untilBackendsUp(0);
    const [before] = await rowsOf<ListenerRow>(instance, 'balancer', 'listeners');

    const { result, files } = await captured(
      instance,
      ['client'],
      { filter: 'tcp port 18056' },
      () => openConnections(lab, 'client', { target: LISTENER, count: 50, perSecond: 100 }),
    );
    assert.deepEqual(result.failuresByCode, { ECONNREFUSED: 50 });
    const answers = answerTimesMs(files.get('client') ?? '');
    assert.equal(answers.length, 50);
    const slowest = Math.max(...answers);
    tell(
      `50 SYNs refused, the slowest RST ${slowest.toFixed(2)} ms after its SYN on the client's wire`,
    );
    assert.ok(slowest < REFUSED_WITHIN_MS, `${slowest} ms`);

    const [listener] = await rowsOf<ListenerRow>(instance, 'balancer', 'listeners');
    assert.deepEqual(
      [listener?.backendsUp, (listener?.refused ?? 0) - (before?.refused ?? 0)],
      [0, 50],
    );
    const drops = await rowsOf<{ name: string; packets: number }>(instance, 'balancer', 'drops');
    assert.ok(drops.some(({ name, packets }) => name === 'reset-no-backend' && packets >= 50));
    const events = await rowsOf<EventRow>(instance, 'balancer', 'events');
    assert.ok(events.some(({ type, pool }) => type === 'no-backend' && pool === 'web'));

    for (const role of roles) await startServer(instance, role, { closeFirst: false });
    await untilBackendsUp(2);
    const again = await openConnections(lab, 'client', { target: LISTENER, count: 20 });
    assert.equal(again.answered, 20);
  });
});

/** As the lab's, with a `rise` that can be told from an `interval`. */
function slowerConfig(): string {
  const config = parse(balancerConfig(labOptions({ instance }))) as { pools: { health: object }[] };
  for (const pool of config.pools)
    pool.health = {
      ...{ tcp: {}, interval: `${INTERVAL_MS}ms`, timeout: `${TIMEOUT_MS}ms` },
      ...{ rise: RISE, fall: FALL },
    };
  return stringify(config);
}

async function untilBackendsUp(count: number): Promise<void> {
  const isSo = await waitUntil(
    async () => {
      const [listener] = await rowsOf<ListenerRow>(instance, 'balancer', 'listeners');
      const backends = await rowsOf<BackendRow>(instance, 'balancer', 'backends');
      const checked = backends.every(({ state }) => state === (count === 0 ? 'down' : 'up'));
      return checked && listener?.backendsUp === count;
    },
    { timeoutMs: 10_000, everyMs: 50 },
  );
  assert.ok(isSo, `${count} backends are up in time`);
  // The state is shown a moment before the kernel's table follows.
  await sleep(100);
}
