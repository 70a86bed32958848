/** From health to tables: which backends a pool's table has, and when it is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checking, type Health } from '../health/state.ts';
import { configOf } from '../testdata/balancer.ts';
import type { Indices } from './indices.ts';
import { Scheduler } from './scheduler.ts';

const ONE = '10.0.98.79:8056';
const TWO = '10.0.98.80:8056';
const config = configOf({
  listeners: { '10.0.23.111:80': 'web' },
  pools: { web: { [ONE]: 3, [TWO]: 1 }, idle: { [ONE]: 0 } },
});
const indices: Indices = {
  listeners: new Map(),
  pools: new Map(),
  backends: new Map([
    [ONE, 4],
    [TWO, 9],
  ]),
  locals: [],
};

function scheduler({
  write = async () => {},
  from = config,
}: { write?: (entries: readonly number[]) => Promise<void>; from?: typeof config } = {}) {
  const out = new Set<string>();
  const drained = new Set<string>();
  const clock = { nowMs: 0 };
  const written: (readonly number[])[] = [];
  const errors: string[] = [];
  const healthOf = (pool: string, backend: string): Health =>
    checking(0, !out.has(`${pool} ${backend}`));
  const tables = {
    indices,
    writeSchedule: async (_pool: unknown, { entries }: { entries: readonly number[] }) => {
      await write(entries);
      written.push(entries);
    },
  };
  const said = (data: object, message: string) => errors.push(JSON.stringify(data) + message);
  const log = {
    error: (data: object) => errors.push(JSON.stringify(data)),
    warn: said,
    info: said,
  };
  const isDrained = (pool: string, backend: string) => drained.has(`${pool} ${backend}`);
  const its = new Scheduler(
    { tables, healthOf, isDrained, steadyMs: () => clock.nowMs, log },
    from,
  );
  return { its, out, drained, clock, written, errors };
}

const sorted = (entries: readonly number[]) => entries.toSorted((a, b) => a - b);

test('by weight, those in use', () => {
  const { its, out } = scheduler();
  assert.deepEqual(sorted(its.scheduleOf('web', indices).entries), [4, 4, 4, 9]);
  out.add(`web ${ONE}`);
  assert.deepEqual(its.scheduleOf('web', indices).entries, [9]);
  out.add(`web ${TWO}`);
  assert.deepEqual(its.scheduleOf('web', indices).entries, []);
  assert.deepEqual(its.scheduleOf('idle', indices).entries, [], 'weight 0');
});

test('changes that come together are written once, with what holds then', async () => {
  const { its, out, written } = scheduler();
  out.add(`web ${ONE}`);
  its.update('web');
  out.add(`web ${TWO}`);
  its.update('web');
  await its.settled();
  assert.deepEqual(written, [[]]);
});

test('a change during a write is written after it', async () => {
  const { its, out, written } = scheduler({
    write: () => new Promise((done) => setTimeout(done, 5)),
  });
  out.add(`web ${ONE}`);
  its.update('web');
  await new Promise((done) => setTimeout(done, 1));
  out.delete(`web ${ONE}`);
  its.update('web');
  await its.settled();
  assert.deepEqual(sorted(written.at(-1) ?? []), [4, 4, 4, 9]);
});

test('a write that fails is reported and tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let fails = true;
  const { its, written, errors } = scheduler({
    write: async () => {
      if (fails) throw new RangeError('no room');
    },
  });
  its.update('web');
  await its.settled();
  assert.deepEqual([written.length, errors], [0, ['{"pool":"web","error":"no room"}']]);
  fails = false;
  t.mock.timers.tick(1_000);
  await its.settled();
  assert.equal(written.length, 1);
});

test('who is drained gets nothing, until it is no longer', () => {
  const { its, drained } = scheduler();
  drained.add(`web ${ONE}`);
  assert.deepEqual(its.scheduleOf('web', indices).entries, [9]);
  drained.clear();
  assert.equal(its.scheduleOf('web', indices).entries.length, 4);
});

test('slow start: a tenth of the weight at first, the whole at the end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const pool = { slowStartMs: 10_000 };
  const from = configOf({ listeners: {}, pools: { web: { [ONE]: 1, [TWO]: 1 } }, pool });
  const { its, written, clock } = scheduler({ from });
  its.rise('web', ONE);
  const shares: number[] = [];
  for (let second = 0; second < 11; second++) {
    await its.settled();
    const entries = written.at(-1) ?? [];
    shares.push(entries.filter((index) => index === 4).length / entries.length);
    clock.nowMs += 1_000;
    t.mock.timers.tick(1_000);
  }
  assert.equal(shares[0], 1 / 11);
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
  assert.equal(shares[10], 1 / 2);
  assert.equal(written.length, 10, 'and then it is left alone');
});

test('too few are up: all are used, and it is said once', () => {
  const from = configOf({
    ...{ listeners: {}, pools: { web: { [ONE]: 1, [TWO]: 1 } } },
    pool: { panicThreshold: 60 },
  });
  const { its, out, errors } = scheduler({ from });
  out.add(`web ${ONE}`);
  for (let round = 0; round < 2; round++)
    assert.deepEqual(its.scheduleOf('web', indices).entries, [4, 9]);
  out.clear();
  its.scheduleOf('web', indices);
  assert.deepEqual(errors, [
    '{"pool":"web"}too few backends are up: all of the pool are used',
    '{"pool":"web"}enough backends are up again',
  ]);
});

test('least connections: each once, with its weight above the index', () => {
  const scheduled = { scheduler: { kind: 'least-connections' as const } };
  const from = configOf({ listeners: {}, pools: { web: { [ONE]: 3, [TWO]: 1 } }, pool: scheduled });
  const { select, entries } = scheduler({ from }).its.scheduleOf('web', indices);
  assert.deepEqual([select, entries], ['least-connections', [(3 << 16) + 4, (1 << 16) + 9]]);
});
