/** Daemons end, and are started again, under live and new connections: nobody notices. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { countersDuring } from '../counters.ts';
import { daemonStatus, startDaemon } from '../daemons.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import type { DaemonName } from '../paths.ts';
import { configFile, logFile } from '../paths.ts';
import { waitUntil } from '../process.ts';
import { startExchangeServer, startHolding, startOpening } from '../traffic.ts';
import { down, up } from '../up.ts';
import { assertAdopted, snapshot, watchFilters } from './adoption.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';

const instance = 'u-survival';
const LISTENER = '10.0.23.111:18056';
const EXCHANGE_LISTENER = '10.0.23.111:19056';
const HELD = 500;
const NEW_PER_SECOND = 50;
const WITHOUT_DAEMON_MS = 1_000;
// Far more than a retransmission takes: what is longer was lost, not late.
const STALL_MS = 3_000;

type Ending = { sentence: string; daemons: readonly DaemonName[]; signal: 'SIGKILL' | 'SIGTERM' };

const ENDINGS: readonly Ending[] = [
  { sentence: 'the balancer is killed', daemons: ['balancer'], signal: 'SIGKILL' },
  { sentence: 'the agent is killed', daemons: ['agent'], signal: 'SIGKILL' },
  { sentence: 'both are killed', daemons: ['balancer', 'agent'], signal: 'SIGKILL' },
  { sentence: 'both are stopped', daemons: ['balancer', 'agent'], signal: 'SIGTERM' },
];

describe('daemons end under load', { skip: reasonToSkip(), timeout: 180_000 }, () => {
  before(() => up({ instance, exchange: true }));
  after(() => down(instance));

  for (const ending of ENDINGS) {
    test(`${ending.sentence} and started again: none lost, none refused, all adopted`, async () => {
      const lab = openLab(instance);
      const { result, changes } = await countersDuring(lab.namespace('client2'), () =>
        underTraffic(lab, () => endAndStart(lab, ending)),
      );
      const { held, opened } = result;
      assert.deepEqual(
        [held.opened, held.refused, held.lost, held.wrongEchoes, held.stalls],
        [HELD, {}, {}, 0, 0],
      );
      assert.deepEqual([opened.failures, opened.wrongAnswers], [[], []]);
      assert.equal(opened.answered, opened.attempted);
      assert.equal(changes.get('TcpExtTCPSynRetrans'), undefined, 'no SYN was lost');
      assert.ok(opened.attempted > NEW_PER_SECOND, `${opened.attempted} new connections`);
      tell(
        `${held.echoes} echoes on ${held.opened} connections, the slowest after` +
          ` ${Math.round(held.slowestEchoMs)} ms; ${opened.answered} of ${opened.attempted} new ones answered`,
      );
    });
  }

  test('nothing was refused or dropped in all that', async () => {
    for (const name of ['balancer', 'agent'] as const)
      assert.deepEqual(await rowsOf(instance, name, 'drops'), [], name);
  });
});

/** 500 connections that exchange lines all the time and new ones at a steady rate, during `action`. */
async function underTraffic(lab: Lab, action: () => Promise<void>) {
  const roles = ['server1', 'server2'] as const;
  const servers = await Promise.all(roles.map((role) => startExchangeServer(lab, role)));
  const holding = await startHolding(lab, 'client', {
    ...{ target: EXCHANGE_LISTENER, count: HELD, everyMs: 100, stallMs: STALL_MS, seconds: 120 },
  });
  const opening = startOpening(lab, 'client2', {
    ...{ target: LISTENER, count: 100_000, perSecond: NEW_PER_SECOND, expect: 'peer' },
  });
  try {
    await action();
  } finally {
    await Promise.allSettled([holding.stop(), opening.stop()]);
    await Promise.all(servers.map((server) => server.stop()));
  }
  return { held: await holding.result, opened: await opening.result };
}

async function endAndStart(lab: Lab, { daemons, signal }: Ending): Promise<void> {
  await sleep(500);
  const watches = await Promise.all(daemons.map((name) => watchFilters(lab, name)));
  const earlier = await Promise.all(daemons.map((name) => snapshot(instance, name)));
  for (const { sessions } of earlier) assert.equal(sessions.size, HELD);

  for (const name of daemons) await end(name, signal);
  await sleep(WITHOUT_DAEMON_MS);
  for (const name of daemons) await startDaemon(instance, name, configFile(instance, name));

  for (const [i, name] of daemons.entries()) {
    const before = earlier[i];
    assert.ok(before !== undefined);
    assertAdopted(before, await snapshot(instance, name));
  }
  await sleep(500);
  for (const watch of watches) {
    const changes = await watch();
    assert.ok(changes.length > 0, 'the new daemon attached its program');
    const others = changes.filter((line) => !line.startsWith('replaced filter'));
    assert.deepEqual(others, [], 'filters are replaced in place');
  }
}

async function end(name: DaemonName, signal: NodeJS.Signals): Promise<void> {
  const { pid } = await daemonStatus(instance, name);
  assert.ok(pid !== undefined, `${name} runs`);
  process.kill(pid, signal);
  const isGone = async () => (await daemonStatus(instance, name)).pid === undefined;
  const gone = await waitUntil(isGone, { timeoutMs: 5_000 });
  assert.ok(gone, `${name} ends after ${signal}, see ${logFile(instance, name)}`);
}
