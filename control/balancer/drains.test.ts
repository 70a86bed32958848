/** When sessions of drained and removed backends are over, and who is woken then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipv4Address, port } from '../../packet/address.ts';
import { parseFrame } from '../../packet/parse.ts';
import { printFrame } from '../../packet/print.ts';
import {
  RESET_BY_BACK,
  RESET_BY_FRONT,
  SESSION_STATE,
  sessionSlot,
  type Flow4,
  type SessionSlot,
} from '../../datapath/binding/contract.ts';
import { RuntimeStore } from '../state/runtime.ts';
import { balancerMemory, configOf } from '../testdata/balancer.ts';
import { Drains } from './drains.ts';

const ONE = '10.0.98.79:8056';
const TWO = '10.0.98.80:8056';
const SECOND_NS = 1_000_000_000n;
const config = configOf({
  listeners: {},
  pools: { web: { [ONE]: 1, [TWO]: 1 }, api: { [TWO]: 1 } },
});
const indices = new Map([
  [ONE, 4],
  [TWO, 9],
]);

function drains(slots: readonly SessionSlot[] = []) {
  const { maps } = balancerMemory();
  const runtime = new RuntimeStore({ nowMs: () => 0 });
  const sent: string[] = [];
  const log: object[] = [];
  const down = new Map<string, number>();
  const clock = { nowNs: 100n * SECOND_NS };
  const bytes = Buffer.concat(slots.map((slot) => sessionSlot.encode(slot)));
  const sessionSlots = {
    length: slots.length,
    raw: async function* () {
      yield { first: 0, values: bytes, count: slots.length };
    },
  };
  const sweep = { get: () => ({ stats: { highWater: slots.length } }) };
  const its = new Drains({
    maps: { ...maps, sessionSlots, sweep },
    runtime,
    nowMs: () => 0,
    downSince: (pool, backend) => down.get(`${pool} ${backend}`),
    steadyNs: () => clock.nowNs,
    send: (frame) => {
      assert.ok(parseFrame(frame).ok);
      sent.push(printFrame(frame));
      return true;
    },
    log: { info: (data) => log.push(data) },
  });
  const drainFor = (pool: string, backend: string, seconds: number, afterwards = 'reset') =>
    runtime.set(
      [{ pool, backend }],
      {
        drain: {
          since: '1970-01-01T00:00:00Z',
          until: new Date(seconds * 1_000).toISOString(),
          afterwards: afterwards as 'reset' | 'keep',
        },
      },
      'root',
    );
  const endOf = (index: number) => maps.backendEnds.get(index);
  return { its, runtime, drainFor, endOf, maps, clock, sent, log, down };
}

test('the end is written where the kernel finds it, and taken away again', () => {
  const { its, runtime, drainFor, endOf } = drains();
  drainFor('web', ONE, 30);
  its.follow(config, indices);
  assert.equal(endOf(4), 130n * SECOND_NS);
  runtime.set([{ pool: 'web', backend: ONE }], { drain: null }, 'root');
  its.follow(config, indices);
  assert.equal(endOf(4), 0n);
});

test('a backend that another pool uses has no end; of two drains the later one counts', () => {
  const { its, drainFor, endOf } = drains();
  drainFor('web', TWO, 30);
  its.follow(config, indices);
  assert.equal(endOf(9), 0n);
  drainFor('api', TWO, 50);
  its.follow(config, indices);
  assert.equal(endOf(9), 150n * SECOND_NS);
});

test('what is to be kept has no end', () => {
  const { its, drainFor, endOf } = drains();
  drainFor('web', ONE, 30, 'keep');
  its.follow(config, indices);
  assert.equal(endOf(4), 0n);
});

const resetting = {
  ...config,
  pools: config.pools.map((pool) => ({ ...pool, onDown: 'reset' as const })),
};

test('who is down ends at once where its pool says so, and lives again when it is up', () => {
  const { its, drainFor, endOf, down } = drains();
  down.set(`web ${ONE}`, -1_000);
  its.follow(config, indices);
  assert.equal(endOf(4), 0n, 'its pool keeps sessions');
  its.follow(resetting, indices);
  assert.equal(endOf(4), 99n * SECOND_NS);
  its.revive('web', ONE, 4);
  assert.equal(endOf(4), 0n, 'before it gets new connections');
  down.clear();
  its.follow(resetting, indices);
  assert.equal(endOf(4), 0n);
  drainFor('web', ONE, 30);
  its.follow(resetting, indices);
  its.revive('web', ONE, 4);
  assert.equal(endOf(4), 130n * SECOND_NS, 'people have drained it');
});

test('who is down for one pool, and used by another, has no end', () => {
  const { its, endOf, down } = drains();
  down.set(`web ${TWO}`, 0);
  its.follow(resetting, indices);
  assert.equal(endOf(9), 0n);
  down.set(`api ${TWO}`, 0);
  its.follow(resetting, indices);
  assert.equal(endOf(9), 100n * SECOND_NS);
});

test('down before its drain is over: at once; drained and kept: when it is down', () => {
  const { its, drainFor, endOf, down } = drains();
  drainFor('web', ONE, 30, 'keep');
  its.follow(resetting, indices);
  assert.equal(endOf(4), 0n);
  down.set(`web ${ONE}`, 0);
  its.follow(resetting, indices);
  assert.equal(endOf(4), 100n * SECOND_NS);
  drainFor('web', ONE, 30);
  its.follow(resetting, indices);
  assert.equal(endOf(4), 100n * SECOND_NS);
});

test('who is no longer in the configuration ends by its pool as it was', () => {
  const { its, endOf } = drains();
  const now = configOf({ listeners: {}, pools: { web: { [ONE]: 1 } } });
  its.follow(now, new Map([[ONE, 4]]), [{ backend: TWO, index: 9 }], config);
  assert.equal(endOf(9), 400n * SECOND_NS);
});

test('when it is over, both ends of those that were not told yet are asked, again and again, and then left', async () => {
  const flow = (from: string, fromPort: number, to: string, toPort: number): Flow4 => ({
    ...{ sourceAddr: ipv4Address(from), sourcePort: port(fromPort) },
    ...{ destinationAddr: ipv4Address(to), destinationPort: port(toPort), protocol: 6 },
  });
  const slot = (word: number, backend: number): SessionSlot => ({
    front: flow('10.0.88.100', 21_521, '10.0.23.111', 18_056),
    back: flow('10.0.98.79', 8_056, '10.0.124.161', 5_004),
    ...{ word, seen: 0, created: 0, frontIsn: 1_000, backIsn: 5_000 },
    ...{ listener: 0, backend, local: 0, kind: 'balanced', flags: 0, seat: 0 },
    wantedPort: port(0),
  });
  const { established, reset } = SESSION_STATE;
  const { its, runtime, drainFor, endOf, clock, sent } = drains([
    slot(established, 4),
    slot(established, 9),
    slot(reset | RESET_BY_BACK | RESET_BY_FRONT, 4),
  ]);
  drainFor('web', ONE, 30);
  its.follow(config, indices);
  await its.tick();
  assert.deepEqual(sent, []);
  clock.nowNs += 30n * SECOND_NS;
  await its.tick();
  assert.deepEqual(sent, [
    '10.0.23.111.18056 > 10.0.88.100.21521: . 5000 ack 1001 win 64240 length 40',
    '10.0.124.161.5004 > 10.0.98.79.8056: . 1000 ack 5001 win 64240 length 40',
  ]);
  for (let second = 0; second < 60; second++) {
    clock.nowNs += SECOND_NS;
    await its.tick();
  }
  assert.equal(sent.length, 10);
  runtime.set([{ pool: 'web', backend: ONE }], { drain: null }, 'root');
  its.follow(config, indices);
  assert.equal(endOf(4), 0n, 'taken back long after: its new sessions live');
});
