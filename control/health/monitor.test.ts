/** Every backend of every pool is checked as its pool says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatEndpoint, formatIpv4Address, ipv4Address } from '../../packet/address.ts';
import type { HealthConfig } from '../config/health.ts';
import { configOf } from '../testdata/balancer.ts';
import { VirtualClock } from '../testdata/virtual-clock.ts';
import { HealthMonitor, type HealthChange } from './monitor.ts';

const ONE = '10.0.98.79:8056';
const TWO = '10.0.98.80:8056';
const tcp: HealthConfig = {
  ...{ kind: 'tcp', intervalMs: 1_000, timeoutMs: 500, rise: 2, fall: 3 },
  backOff: { after: 60, mostMs: 8_000 },
  flapping: { falls: 5, withinMs: 120_000, holdMs: 30_000, mostMs: 600_000 },
};

function monitor(
  health: HealthConfig,
  refusing: ReadonlySet<string>,
  outOfUse: readonly string[] = [],
) {
  const clock = new VirtualClock();
  const changes: string[] = [];
  const checked: string[] = [];
  const sources: string[] = [];
  const { pools } = configOf({ listeners: {}, pools: { web: { [ONE]: 1, [TWO]: 1 } }, health });
  const its = new HealthMonitor({
    clock,
    random: () => 0,
    requestBy: () => async () => ({ ok: false, reason: 'status 503' }),
    connectFrom: (source) => async (target) => {
      if (source !== undefined) sources.push(formatIpv4Address(source));
      checked.push(formatEndpoint(target));
      return refusing.has(formatEndpoint(target))
        ? { ok: false, reason: 'connect refused' }
        : { ok: true };
    },
    onChange: ({ backend, before, after }: HealthChange) =>
      changes.push(`${clock.nowMs()} ${formatEndpoint(backend)} ${before.state} ${after.state}`),
  });
  its.add(pools, new Map([['web', new Set(outOfUse)]]));
  return { its, pools, clock, changes, checked, sources };
}

test('what is checked, and what is told: changes of state only', async () => {
  const { its, pools, clock, changes, checked } = monitor(tcp, new Set([TWO]));
  its.follow(pools);
  await clock.runUntil(2_500);
  await its.stop();
  assert.deepEqual(changes, [`0 ${ONE} checking up`, `2000 ${TWO} checking down`]);
  assert.equal(checked.length, 6);
  assert.deepEqual([its.of('web', ONE).isUsed, its.of('web', TWO).isUsed], [true, false]);
  assert.equal(its.of('web', TWO).reason, 'connect refused');
});

test('the last check of each is known, until nothing is checked any more', async () => {
  const { its, pools, clock } = monitor(tcp, new Set([TWO]));
  assert.equal(its.lastCheckOf('web', ONE), undefined);
  its.follow(pools);
  await clock.runUntil(2_500);
  const refused = { ok: false, reason: 'connect refused' };
  assert.deepEqual(its.lastCheckOf('web', ONE), { atMs: 2_000, tookMs: 0, result: { ok: true } });
  assert.deepEqual(its.lastCheckOf('web', TWO), { atMs: 2_000, tookMs: 0, result: refused });
  its.follow(poolsOf({ [ONE]: 1 }, { kind: 'off' }));
  assert.equal(its.lastCheckOf('web', ONE), undefined);
  await its.stop();
});

test('what the daemon before found down stays out until it has risen', async () => {
  const { its, pools, clock, changes } = monitor(tcp, new Set(), [TWO]);
  assert.deepEqual([its.of('web', ONE).isUsed, its.of('web', TWO).isUsed], [true, false]);
  its.follow(pools);
  await clock.runUntil(1_500);
  await its.stop();
  assert.deepEqual(changes, [`0 ${ONE} checking up`, `1000 ${TWO} checking up`]);
});

test('off: nothing is checked, everything is used, also what was out', async () => {
  const { its, pools, clock, checked } = monitor({ kind: 'off' }, new Set([ONE]), [TWO]);
  its.follow(pools);
  await clock.runUntil(5_000);
  await its.stop();
  assert.deepEqual(checked, []);
  for (const backend of [ONE, TWO]) {
    const { state, isUsed } = its.of('web', backend);
    assert.deepEqual([state, isUsed], ['unchecked', true]);
  }
});

const THREE = '10.0.98.81:8056';
const poolsOf = (backends: Record<string, number>, health: HealthConfig = tcp) =>
  configOf({ listeners: {}, pools: { web: backends }, health }).pools;

test('a change of the list leaves the checks of those that stay alone', async () => {
  const { its, pools, clock, changes, checked } = monitor(tcp, new Set([TWO]));
  its.follow(pools);
  await clock.runUntil(2_500);
  checked.length = 0;
  its.follow(poolsOf({ [TWO]: 5, [THREE]: 1 }));
  await clock.runUntil(2_900);
  assert.deepEqual(checked, [THREE], 'who is new is checked at once, who stays in its turn');
  await clock.runUntil(3_500);
  await its.stop();
  assert.deepEqual(checked, [THREE, TWO, THREE]);
  assert.deepEqual(changes.slice(2), [`2500 ${THREE} checking up`], 'who was down stays down');
  assert.equal(its.of('web', TWO).state, 'down');
  assert.throws(() => its.of('web', ONE), /pool web has no backend/);
});

test('other checks begin at once, from the health that is known', async () => {
  const { its, pools, clock, checked } = monitor(tcp, new Set([TWO]));
  its.follow(pools);
  await clock.runUntil(2_500);
  checked.length = 0;
  its.follow(poolsOf({ [ONE]: 1, [TWO]: 1 }, { ...tcp, intervalMs: 100 }));
  await clock.runUntil(2_550);
  await its.stop();
  assert.deepEqual(checked, [ONE, TWO]);
  assert.equal(its.of('web', TWO).state, 'down');
});

test('checks that are switched off and on again are told as changes', async () => {
  const { its, pools, clock, changes } = monitor(tcp, new Set([TWO]));
  its.follow(pools);
  await clock.runUntil(2_500);
  changes.length = 0;
  its.follow(poolsOf({ [ONE]: 1, [TWO]: 1 }, { kind: 'off' }));
  assert.deepEqual(changes, [`2500 ${ONE} up unchecked`, `2500 ${TWO} down unchecked`]);
  assert.equal(its.of('web', TWO).isUsed, true);
  its.follow(pools);
  assert.deepEqual(changes.slice(2), [
    `2500 ${ONE} unchecked checking`,
    `2500 ${TWO} unchecked checking`,
  ]);
  await its.stop();
});

test('checks come from the address that the pool says', async () => {
  const source = ipv4Address('10.0.98.1');
  const { its, pools, clock, sources } = monitor({ ...tcp, source }, new Set());
  its.follow(pools);
  await clock.runUntil(500);
  await its.stop();
  assert.deepEqual(sources, ['10.0.98.1', '10.0.98.1']);
});

test('a backend that connections had trouble with is checked at once', async () => {
  const { its, pools, clock, checked } = monitor(tcp, new Set([TWO]));
  its.follow(pools);
  await clock.runUntil(300);
  checked.length = 0;
  its.suspect('web', ONE);
  assert.equal(its.isSuspected('web', ONE), true);
  await clock.runUntil(400);
  assert.deepEqual(checked, [ONE]);
  assert.equal(its.isSuspected('web', ONE), false, 'the check has said what it is');
  await its.stop();
});
