/** Daemons end, and are started again, under live and new connections: nobody notices. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { countersDuring } from '../counters.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import type { DaemonName } from '../paths.ts';
import { DAEMON_FAULTS, inflict, RELOADS, type DaemonFault } from '../soak/daemon-faults.ts';
import { installNextVersion, type Installation } from '../soak/next-version.ts';
import { startExchangeServer, startHolding, startOpening } from '../traffic.ts';
import { down, up } from '../up.ts';
import { assertAdopted, snapshot, watchFilters } from './adoption.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';

const instance = 'u-survival';
const LISTENER = '10.0.23.111:18056';
const EXCHANGE_LISTENER = '10.0.23.111:19056';
const HELD = 500;
const NEW_PER_SECOND = 50;
/** Reloads take less than a second. */
const NEW_LEAST = 20;
// Far more than a retransmission takes: what is longer was lost, not late.
const STALL_MS = 3_000;

type Ending = DaemonFault & { how: 'SIGKILL' | 'SIGTERM' | 'upgrade' };

const ENDINGS = DAEMON_FAULTS.filter(
  (fault): fault is Ending => fault.how !== 'reload' && fault.how !== 'bad reload',
);

describe('daemons end under load', { skip: reasonToSkip(), timeout: 400_000 }, () => {
  let next: Installation;
  before(async () => {
    next = installNextVersion();
    await up({ instance, exchange: true });
  });
  after(async () => {
    next.remove();
    await down(instance);
  });

  for (const ending of ENDINGS) {
    test(`${ending.sentence} and started again: none lost, none refused, all adopted`, async () => {
      const lab = openLab(instance);
      const { result, changes } = await countersDuring(lab.namespace('client2'), () =>
        underTraffic(lab, () => endAndStart(lab, ending, next)),
      );
      assertUnnoticed(result, changes);
    });
  }

  for (const fault of RELOADS)
    test(`${fault.sentence} and is read again: none lost, none refused`, async () => {
      const lab = openLab(instance);
      const { result, changes } = await countersDuring(lab.namespace('client2'), () =>
        underTraffic(lab, async () => {
          for (let i = 0; i < 4; i++) {
            await sleep(400);
            await inflict(lab, fault, next);
          }
          await sleep(400);
        }),
      );
      assertUnnoticed(result, changes);
    });

  test('nothing was refused or dropped in all that', async () => {
    for (const name of ['balancer', 'agent'] as const)
      assert.deepEqual(await rowsOf(instance, name, 'drops'), [], name);
  });
});

function assertUnnoticed(
  { held, opened }: Awaited<ReturnType<typeof underTraffic>>,
  changes: ReadonlyMap<string, bigint>,
): void {
  assert.deepEqual(
    [held.opened, held.refused, held.lost, held.wrongEchoes, held.stalls],
    [HELD, {}, {}, 0, 0],
  );
  assert.deepEqual([opened.failures, opened.wrongAnswers], [[], []]);
  assert.equal(opened.answered, opened.attempted);
  assert.equal(changes.get('TcpExtTCPSynRetrans'), undefined, 'no SYN was lost');
  assert.ok(opened.attempted > NEW_LEAST, `${opened.attempted} new connections`);
  tell(
    `${held.echoes} echoes on ${held.opened} connections, the slowest after` +
      ` ${Math.round(held.slowestEchoMs)} ms; ${opened.answered} of ${opened.attempted} new ones answered`,
  );
}

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

async function endAndStart(lab: Lab, ending: Ending, next: Installation): Promise<void> {
  const { daemons, how } = ending;
  await sleep(500);
  const watches = await Promise.all(daemons.map((name) => watchFilters(lab, name)));
  const earlier = await Promise.all(daemons.map((name) => snapshot(instance, name)));
  for (const { sessions } of earlier) assert.equal(sessions.size, HELD);
  const tags = await Promise.all(daemons.map((name) => tagsOf(lab, name)));

  await inflict(lab, ending, next);

  for (const [i, name] of daemons.entries()) {
    const before = earlier[i];
    assert.ok(before !== undefined);
    assertAdopted(before, await snapshot(instance, name));
    const now = await tagsOf(lab, name);
    /* the code itself is another one when another version has taken over */
    if (how === 'upgrade') assert.notDeepEqual(now, tags[i]);
  }
  await sleep(500);
  for (const watch of watches) {
    const changes = await watch();
    assert.ok(changes.length > 0, 'the new daemon attached its program');
    const others = changes.filter((line) => !line.startsWith('replaced filter'));
    assert.deepEqual(others, [], 'filters are replaced in place');
  }
}

/** What the kernel computes of the code of the programs on a daemon's interfaces. */
async function tagsOf(lab: Lab, name: DaemonName): Promise<string[]> {
  const [role, devices] =
    name === 'balancer'
      ? (['balancer', ['eth0 ingress']] as const)
      : (['host', ['vnet1 egress', 'vnet1 ingress']] as const);
  const shown = await Promise.all(
    devices.map((place) => lab.run(role, ['tc', 'filter', 'show', 'dev', ...place.split(' ')])),
  );
  return shown.map(({ stdout }) => / tag ([0-9a-f]+)/.exec(stdout)?.[1] ?? 'no program');
}
