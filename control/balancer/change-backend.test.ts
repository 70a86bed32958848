/** Weights beside the file: which backends a name means, and what is told of the change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuntimeStore } from '../state/runtime.ts';
import { configOf } from '../testdata/balancer.ts';
import { changeBackend, drainAll, undrainAll } from './change-backend.ts';
import { withRuntime } from './runtime.ts';

const ONE = '10.0.98.79:8056';
const TWO = '10.0.98.80:8056';
const config = configOf({
  listeners: { '10.0.23.111:80': 'web', '10.0.23.111:81': 'api' },
  pools: { web: { [ONE]: 1, [TWO]: 1 }, api: { [ONE]: 5 } },
});
const store = () => new RuntimeStore({ nowMs: () => 0 });
const weights = (runtime: RuntimeStore) =>
  withRuntime(config, runtime).pools.map(({ backends }) => backends.map(({ weight }) => weight));

test('in every pool that has it, or in one', () => {
  const runtime = store();
  const all = changeBackend(config, runtime, { backend: ONE }, { weight: 3 }, 'root');
  assert.deepEqual(all.difference, [
    `pools.web.backends.${ONE} weight: 1 → 3`,
    `pools.api.backends.${ONE} weight: 5 → 3`,
  ]);
  const one = changeBackend(
    config,
    runtime,
    { backend: ONE, pool: 'web' },
    { weight: null },
    'root',
  );
  assert.deepEqual(one.value, { changed: [{ pool: 'web', backend: ONE, weight: 1, drain: null }] });
  assert.deepEqual(weights(runtime), [[1, 1], [3]]);
});

test('the same weight again is no difference', () => {
  const again = changeBackend(config, store(), { backend: TWO }, { weight: 1 }, 'root');
  assert.deepEqual(again.difference, []);
});

test('what nobody changed stays the same object', () => {
  const runtime = store();
  changeBackend(config, runtime, { backend: ONE, pool: 'api' }, { weight: 0 }, 'root');
  const [web, api] = withRuntime(config, runtime).pools;
  assert.equal(web, config.pools[0]);
  assert.notEqual(api, config.pools[1]);
});

for (const { name, asked, error } of [
  {
    name: 'a backend that is not there',
    asked: { backend: '10.0.98.81:8056' },
    error: /no pool has backend .*did you mean/,
  },
  {
    name: 'a pool that is not there',
    asked: { backend: ONE, pool: 'wbe' },
    error: /no pool 'wbe'; did you mean 'web'/,
  },
  {
    name: 'a backend of another pool',
    asked: { backend: TWO, pool: 'api' },
    error: /pool 'api' has no backend/,
  },
])
  test(name, () => {
    const runtime = store();
    assert.throws(() => changeBackend(config, runtime, asked, { weight: 3 }, 'root'), error);
    assert.deepEqual(runtime.all(), []);
  });

test('a drain: for as long as is said, else as the pool says; taken back', () => {
  const runtime = store();
  const drainOf = (drain: object | null) =>
    changeBackend(config, runtime, { backend: TWO }, { drain }, 'root', 0);
  const { value, difference } = drainOf({ forSeconds: 60 });
  const drain = {
    since: '1970-01-01T00:00:00.000Z',
    until: '1970-01-01T00:01:00.000Z',
    afterwards: 'reset',
  };
  assert.deepEqual(value.changed, [{ pool: 'web', backend: TWO, weight: 1, drain }]);
  assert.deepEqual(difference, [
    `pools.web.backends.${TWO} drain: none → until ${drain.until}, then reset`,
  ]);
  assert.equal(drainOf({}).value.changed[0]?.drain?.until, '1970-01-01T00:05:00.000Z');
  assert.equal(drainOf(null).value.changed[0]?.drain, null);
});

test('everything, and back', () => {
  const runtime = store();
  drainAll(config, runtime, { afterwards: 'keep' }, 0);
  assert.deepEqual(runtime.drainAll?.afterwards, 'keep');
  undrainAll(runtime);
  assert.equal(runtime.drainAll, undefined);
});
