/**
 * 20,000 connections over two backends weighted 3:1: the shares, the true address
 * and port in every answer, and a session table that is empty afterwards.
 *
 * A closed session rests for a minute at least, and the daemons refuse less. The
 * tests here do not wait for it: they write shorter timeouts into the kernel's
 * map `settings`, which is all that a configuration does with them. Nothing else
 * may: with timeouts below the servers' TIME_WAIT a port could be used too early.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Role as DaemonName } from '../../datapath/binding/pins.ts';
import { openInstance } from '../../datapath/binding/object.ts';
import { commonMaps } from '../../datapath/binding/object-maps.ts';
import { ticksFromSeconds } from '../../datapath/binding/sessions.ts';
import type { BackendRow, ListenerRow, LocalRow } from '../../control/api/rows.ts';
import { sessionsIn } from '../../control/daemon/slots.ts';
import { formatIpv4Address } from '../../packet/address.ts';
import { DAEMONS } from '../daemons.ts';
import { openLab } from '../lab.ts';
import { waitUntil } from '../process.ts';
import { withClient } from '../scripted.ts';
import { CLIENT2_ADDRESS, CLIENT_ADDRESS } from '../topology.ts';
import { openConnections } from '../traffic.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, rowsOf } from './machine.ts';

const instance = 't-shares';
const skip = reasonToSkip();
const LISTENER = '10.0.23.111:18056';
const BALANCER_ADDRESS = '10.0.23.1';
const COUNT = 20_000;
const WEIGHTS = { server1: 3, server2: 1 } as const;
/** Of all timeouts. */
const TIMEOUT_SECONDS = 3;
// The slot of a busy session is written once a second, and the sweeper needs a second for a pass.
const EXPIRY_LATE_SECONDS = 2;
// The machine is shared: a timer may be late, a poll too.
const SLACK_SECONDS = 1;
const LATEST_SECONDS = TIMEOUT_SECONDS + EXPIRY_LATE_SECONDS + SLACK_SECONDS;

describe('20,000 connections over backends weighted 3:1', { skip, timeout: 120_000 }, () => {
  before(async () => {
    await up({ instance, weights: [WEIGHTS.server1, WEIGHTS.server2] });
    for (const name of DAEMONS) await shortenTimeouts(name);
  });
  after(() => down(instance));

  test('each is answered with its own address and port, three of four by server1', async (t) => {
    const lab = openLab(instance);
    const clients = [
      { role: 'client', local: CLIENT_ADDRESS },
      { role: 'client2', local: CLIENT2_ADDRESS },
    ] as const;
    const count = COUNT / clients.length;
    const results = await Promise.all(
      clients.map(({ role, local }) =>
        openConnections(lab, role, {
          ...{ target: LISTENER, local, count, perSecond: 400, expect: 'peer' },
          // The client closes: each port is used once, so that no session is taken up again.
          ...{ ports: `20000-${20_000 + count - 1}`, closer: 'client' },
        }),
      ),
    );
    const answers = { server1: 0, server2: 0 };
    for (const result of results) {
      const { attempted, answered, failures, slow, wrongAnswers } = result;
      assert.deepEqual(
        { attempted, answered, failures, slow, wrongAnswers },
        { attempted: count, answered: count, failures: [], slow: 0, wrongAnswers: [] },
      );
      answers.server1 += result.answers['server1'] ?? 0;
      answers.server2 += result.answers['server2'] ?? 0;
    }
    t.diagnostic(JSON.stringify(answers));
    assert.equal(answers.server1 + answers.server2, COUNT);
    const weights = WEIGHTS.server1 + WEIGHTS.server2;
    for (const server of ['server1', 'server2'] as const) {
      const share = answers[server] / COUNT;
      assert.ok(Math.abs(share - WEIGHTS[server] / weights) <= 0.02, `${server}: ${share}`);
    }
    // What the balancer counts is what happened.
    const backends = await rowsOf<BackendRow>(instance, 'balancer', 'backends');
    const counted = backends.map(({ name, connections }) => [name, connections]);
    assert.deepEqual(Object.fromEntries(counted), answers);
  });

  test('the tables of both daemons drain to nothing', async (t) => {
    for (const name of DAEMONS) {
      const left = await countOfClients(name);
      await waitUntilEmpty(name);
      t.diagnostic(`${name}: ${left} sessions of clients were left, now none`);
    }
    const { opening, live, resting } = await onMaps('balancer', ({ sweep }) => sweep.get(0).stats);
    assert.deepEqual([opening, live, resting], [0, 0, 0]);
    const [listener] = await rowsOf<ListenerRow>(instance, 'balancer', 'listeners');
    assert.deepEqual([listener?.live, listener?.connections], [0, COUNT]);
    const locals = await rowsOf<LocalRow>(instance, 'balancer', 'locals');
    const sum = (of: 'inUse' | 'resting' | 'allocated') =>
      locals.reduce((total, row) => total + row[of], 0);
    assert.deepEqual([sum('inUse'), sum('resting'), sum('allocated')], [0, 0, COUNT]);
  });

  test('a closed session rests as long as its timeout says, and hardly longer', async (t) => {
    for (const end of ['fin', 'rst'] as const) {
      const restedSeconds = await withClient(openLab(instance), 'client', async (client) => {
        const attempt = await client.connect(LISTENER);
        assert.ok(attempt.ok);
        if (end === 'fin') {
          await attempt.connection.askLast();
        } else {
          await attempt.connection.ask();
          await attempt.connection.abort();
        }
        const start = performance.now();
        assert.equal(await countOfClients('balancer'), 1);
        await waitUntilEmpty('balancer');
        return (performance.now() - start) / 1000;
      });
      t.diagnostic(`ended by ${end}: rested ${restedSeconds.toFixed(2)} s of ${TIMEOUT_SECONDS}`);
      assert.ok(restedSeconds >= TIMEOUT_SECONDS - 0.1, `${restedSeconds}`);
      assert.ok(restedSeconds <= LATEST_SECONDS, `${restedSeconds}`);
    }
  });

  test('a session that is used does not expire', async () => {
    await withClient(openLab(instance), 'client', async (client) => {
      const attempt = await client.connect(LISTENER);
      assert.ok(attempt.ok);
      const line = await attempt.connection.ask();
      for (let second = 0; second < 2 * TIMEOUT_SECONDS; second += 1) {
        await sleep(1_000);
        assert.equal(await attempt.connection.ask(), line);
      }
    });
  });
});

async function shortenTimeouts(name: DaemonName): Promise<void> {
  await onMaps(name, ({ settings }) => {
    const current = settings.get(0);
    settings.set(0, {
      ...current,
      timeout: current.timeout.map((ticks) =>
        ticks === 0 ? 0 : ticksFromSeconds(TIMEOUT_SECONDS),
      ),
    });
  });
}

async function waitUntilEmpty(name: DaemonName): Promise<void> {
  const isEmpty = await waitUntil(async () => (await countOfClients(name)) === 0, {
    timeoutMs: LATEST_SECONDS * 1000,
    everyMs: 50,
  });
  assert.ok(isEmpty, `${name} still has ${await countOfClients(name)} sessions of clients`);
}

/** The agent sees the balancer's health checks too: they come and go all the time. */
function countOfClients(name: DaemonName): Promise<number> {
  return onMaps(name, async (maps) => {
    let count = 0;
    for await (const slots of sessionsIn(maps)) {
      count += slots.filter(
        ({ front }) => formatIpv4Address(front.sourceAddr) !== BALANCER_ADDRESS,
      ).length;
    }
    return count;
  });
}

async function onMaps<T>(
  name: DaemonName,
  action: (maps: ReturnType<typeof commonMaps>) => T | Promise<T>,
): Promise<T> {
  const pinned = openInstance(instance, name);
  try {
    return await action(commonMaps(pinned));
  } finally {
    pinned.close();
  }
}
