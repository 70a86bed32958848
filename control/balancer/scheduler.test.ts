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
}: { write?: (entries: readonly number[]) => Promise<void> } = {}) {
  const out = new Set<string>();
  const written: (readonly number[])[] = [];
  const errors: string[] = [];
  const healthOf = (pool: string, backend: string): Health =>
    checking(0, !out.has(`${pool} ${backend}`));
  const tables = {
    indices,
    writeSchedule: async (_pool: string, entries: readonly number[]) => {
      await write(entries);
      written.push(entries);
    },
  };
  const log = { error: (data: object) => errors.push(JSON.stringify(data)) };
  return { its: new Scheduler({ tables, healthOf, log }, config), out, written, errors };
}

const sorted = (entries: readonly number[]) => entries.toSorted((a, b) => a - b);

test('by weight, those in use', () => {
  const { its, out } = scheduler();
  assert.deepEqual(sorted(its.entriesOf('web', indices)), [4, 4, 4, 9]);
  out.add(`web ${ONE}`);
  assert.deepEqual(its.entriesOf('web', indices), [9]);
  out.add(`web ${TWO}`);
  assert.deepEqual(its.entriesOf('web', indices), []);
  assert.deepEqual(its.entriesOf('idle', indices), [], 'weight 0');
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
