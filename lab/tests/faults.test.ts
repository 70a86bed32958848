/** What happens to a machine under a balancer that runs: each fault is told once, and passes without a loss. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendRow, BalancerSessionRow, NoteRow } from '../../control/api/rows.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import { logFile } from '../paths.ts';
import { waitUntil } from '../process.ts';
import type { Role } from '../topology.ts';
import { startExchangeServer, startHolding } from '../traffic.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, rowsOf } from './machine.ts';

const instance = 'u-faults';
const EXCHANGE_LISTENER = '10.0.23.111:19056';
const HELD = 50;
/** As long as a fault lasts: the daemon looks once a second. */
const FAULT_MS = 1_500;
const WAIT_MS = 20_000;

type Command = { role: Role; words: string };

type Fault = {
  sentence: string;
  begin: readonly Command[];
  end: readonly Command[];
  /** What the balancer's log says, once each, when it begins and when it is over. */
  told: readonly RegExp[];
};

const DEFAULT_ROUTE = {
  role: 'balancer',
  words: 'ip route replace default via 10.0.23.254',
} as const;

const FAULTS: readonly Fault[] = [
  {
    sentence: "the balancer's interface goes down and up",
    begin: [{ role: 'balancer', words: 'ip link set eth0 down' }],
    // The kernel forgets routes with the interface; who runs the network puts them back.
    end: [{ role: 'balancer', words: 'ip link set eth0 up' }, DEFAULT_ROUTE],
    told: [/the interface is down/, /the interface is up again/],
  },
  {
    sentence: "the listener's address is taken off the interface and put back",
    begin: [
      { role: 'balancer', words: 'ip addr del 10.0.23.111/32 dev eth0' },
      { role: 'router', words: 'ip neigh flush dev balancer' },
    ],
    end: [{ role: 'balancer', words: 'ip addr add 10.0.23.111/32 dev eth0' }],
    told: [/a listener's address is on no interface/, /a listener's address is back/],
  },
  {
    sentence: 'the next hop does not answer for its address any more, and does again',
    begin: [
      { role: 'router', words: 'ip link set balancer arp off' },
      { role: 'balancer', words: 'ip neigh flush dev eth0' },
    ],
    end: [{ role: 'router', words: 'ip link set balancer arp on' }],
    told: [],
  },
  {
    sentence: "the server's host is gone, and back",
    begin: [{ role: 'host', words: 'ip link set eth0 down' }],
    end: [{ role: 'host', words: 'ip link set eth0 up' }],
    told: [],
  },
];

describe(
  'faults of the machine and its network',
  { skip: reasonToSkip(), timeout: 240_000 },
  () => {
    let lab: Lab;
    let server: Awaited<ReturnType<typeof startExchangeServer>>;
    before(async () => {
      await up({ instance, servers: 1, exchange: true });
      lab = openLab(instance);
      server = await startExchangeServer(lab, 'server1');
      assert.ok(await untilBackendsUp());
    });
    after(async () => {
      await server.stop();
      await down(instance);
    });

    for (const { sentence, begin, end, told } of FAULTS) {
      test(`${sentence}: no connection is lost, and it is told once`, async () => {
        const heard = logLength();
        const held = await whileHeld(lab, async () => {
          for (const command of begin) await runIn(lab, command);
          await sleep(FAULT_MS);
          for (const command of end) await runIn(lab, command);
          await everyoneGoesOn();
        });
        assert.deepEqual([held.opened, held.lost, held.wrongEchoes], [HELD, {}, 0]);
        const lines = await logSince(heard, told);
        for (const pattern of told)
          assert.equal(
            lines.filter((line) => pattern.test(line)).length,
            1,
            `${pattern}: ${lines.join('\n')}`,
          );
        assert.ok(await untilBackendsUp(), 'health checks succeed again');
      });
    }

    test('nothing of it made the kernel lose an event', async () => {
      const notes = await rowsOf<NoteRow>(instance, 'balancer', 'notes');
      assert.equal(
        notes.find(({ name }) => name === 'event-lost'),
        undefined,
      );
    });
  },
);

async function runIn(lab: Lab, { role, words }: Command): Promise<void> {
  await lab.run(role, words.split(' '));
}

/** Connections that exchange lines all the time, during `action`. */
async function whileHeld(lab: Lab, action: () => Promise<void>) {
  const holding = await startHolding(lab, 'client', {
    ...{ target: EXCHANGE_LISTENER, count: HELD, everyMs: 50, stallMs: WAIT_MS, seconds: 120 },
  });
  try {
    await action();
  } finally {
    await holding.stop();
  }
  return holding.result;
}

/** Every live session hears from its server after now. */
async function everyoneGoesOn(): Promise<void> {
  const earlier = await bytesOfLive();
  assert.ok(earlier.size >= HELD, `${earlier.size} live sessions`);
  const all = async () => {
    const later = await bytesOfLive();
    return [...earlier].every(([client, bytes]) => (later.get(client) ?? 0) > bytes);
  };
  assert.ok(
    await waitUntil(all, { timeoutMs: WAIT_MS, everyMs: 50 }),
    'some connections stand still',
  );
}

async function bytesOfLive(): Promise<Map<string, number>> {
  const rows = await rowsOf<BalancerSessionRow>(instance, 'balancer', 'sessions?state=established');
  return new Map(rows.map(({ client, bytesOut }) => [client, bytesOut]));
}

async function untilBackendsUp(): Promise<boolean> {
  const areUp = async () => {
    const rows = await rowsOf<BackendRow>(instance, 'balancer', 'backends');
    return rows.every(({ state }) => state === 'up' || state === 'unchecked');
  };
  return waitUntil(areUp, { timeoutMs: WAIT_MS, everyMs: 50 });
}

const logText = () => readFileSync(logFile(instance, 'balancer'), 'utf8');
const logLength = () => logText().length;

/** The daemon looks once a second: what it has to say is waited for. */
async function logSince(length: number, patterns: readonly RegExp[]): Promise<string[]> {
  const text = () => logText().slice(length);
  await waitUntil(() => patterns.every((pattern) => pattern.test(text())), { timeoutMs: WAIT_MS });
  return text().split('\n');
}
