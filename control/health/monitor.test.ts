/** Every backend of every pool is checked as its pool says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatEndpoint } from '../../packet/address.ts';
import type { HealthConfig } from '../config/balancer.ts';
import { configOf } from '../testdata/balancer.ts';
import { VirtualClock } from '../testdata/virtual-clock.ts';
import { HealthMonitor, type HealthChange } from './monitor.ts';

const ONE = '10.0.98.79:8056';
const TWO = '10.0.98.80:8056';
const tcp: HealthConfig = { kind: 'tcp', intervalMs: 1_000, timeoutMs: 500, rise: 2, fall: 3 };

function monitor(
  health: HealthConfig,
  refusing: ReadonlySet<string>,
  outOfUse: readonly string[] = [],
) {
  const clock = new VirtualClock();
  const changes: string[] = [];
  const checked: string[] = [];
  const { pools } = configOf({ listeners: {}, pools: { web: { [ONE]: 1, [TWO]: 1 } }, health });
  const its = new HealthMonitor(
    {
      clock,
      random: () => 0,
      connect: async (target) => {
        checked.push(formatEndpoint(target));
        return refusing.has(formatEndpoint(target))
          ? { ok: false, reason: 'connect refused' }
          : { ok: true };
      },
      onChange: ({ backend, before, after }: HealthChange) =>
        changes.push(`${clock.nowMs()} ${formatEndpoint(backend)} ${before.state} ${after.state}`),
    },
    pools,
    new Map([['web', new Set(outOfUse)]]),
  );
  return { its, clock, changes, checked };
}

test('what is checked, and what is told: changes of state only', async () => {
  const { its, clock, changes, checked } = monitor(tcp, new Set([TWO]));
  const stop = new AbortController();
  const done = its.run(stop.signal);
  await clock.runUntil(2_500);
  stop.abort();
  await done;
  assert.deepEqual(changes, [`0 ${ONE} checking up`, `2000 ${TWO} checking down`]);
  assert.equal(checked.length, 6);
  assert.deepEqual([its.of('web', ONE).isUsed, its.of('web', TWO).isUsed], [true, false]);
  assert.equal(its.of('web', TWO).reason, 'connect refused');
});

test('what the daemon before found down stays out until it has risen', async () => {
  const { its, clock, changes } = monitor(tcp, new Set(), [TWO]);
  assert.deepEqual([its.of('web', ONE).isUsed, its.of('web', TWO).isUsed], [true, false]);
  const stop = new AbortController();
  const done = its.run(stop.signal);
  await clock.runUntil(1_500);
  stop.abort();
  await done;
  assert.deepEqual(changes, [`0 ${ONE} checking up`, `1000 ${TWO} checking up`]);
});

test('off: nothing is checked, everything is used, also what was out', async () => {
  const { its, clock, checked } = monitor({ kind: 'off' }, new Set([ONE]), [TWO]);
  const stop = new AbortController();
  const done = its.run(stop.signal);
  await clock.runUntil(5_000);
  stop.abort();
  await done;
  assert.deepEqual(checked, []);
  for (const backend of [ONE, TWO]) {
    const { state, isUsed } = its.of('web', backend);
    assert.deepEqual([state, isUsed], ['unchecked', true]);
  }
});
