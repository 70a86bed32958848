/** Health, check by check. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checking, pauseMs, step, unchecked, type CheckResult, type Health } from './state.ts';

const flapping = { falls: 2, withinMs: 20_000, holdMs: 5_000, mostMs: 15_000 };
const limits = { rise: 2, fall: 3, flapping };
const pauses = { intervalMs: 1_000, backOff: { after: 3, mostMs: 5_000 } };
const ok: CheckResult = { ok: true };
const refused: CheckResult = { ok: false, reason: 'connect refused' };

function at(seconds: number) {
  return { nowMs: seconds * 1_000, steadyMs: seconds * 1_000 };
}

/** `+` a success, `-` a failure; one second apart. */
function after(start: Health, checks: string): Health {
  return checks
    .split('')
    .reduce(
      (health, check, i) => step(health, check === '+' ? ok : refused, limits, at(i + 1)),
      start,
    );
}

const rows: { name: string; start?: Health; checks: string; expect: Partial<Health> }[] = [
  { name: 'nothing checked yet: used', checks: '', expect: { state: 'checking', isUsed: true } },
  {
    name: 'one success is enough at the start',
    checks: '+',
    expect: { state: 'up', isUsed: true, sinceMs: 1_000, reason: null },
  },
  {
    name: 'one failure at the start takes nothing out',
    checks: '-',
    expect: { state: 'checking', isUsed: true, reason: 'connect refused' },
  },
  {
    name: 'fall failures at the start do',
    checks: '---',
    expect: { state: 'down', isUsed: false, sinceMs: 3_000 },
  },
  {
    name: 'fewer than fall failures leave it up',
    checks: '+--',
    expect: { state: 'up', isUsed: true, sinceMs: 1_000, reason: 'connect refused' },
  },
  { name: 'failures must be in a row', checks: '+--+--', expect: { state: 'up', isUsed: true } },
  {
    name: 'fall failures in a row take it down',
    checks: '+---',
    expect: { state: 'down', isUsed: false, sinceMs: 4_000, reason: 'connect refused' },
  },
  {
    name: 'one success does not bring it back, and the reason stays',
    checks: '+---+',
    expect: { state: 'down', isUsed: false, reason: 'connect refused' },
  },
  {
    name: 'successes must be in a row',
    checks: '+---+-+',
    expect: { state: 'down', isUsed: false },
  },
  {
    name: 'rise successes in a row bring it back',
    checks: '+---++',
    expect: { state: 'up', isUsed: true, sinceMs: 6_000, reason: null },
  },
  {
    name: 'after a restart, out of use stays so',
    start: checking(0, false),
    checks: '+',
    expect: { state: 'checking', isUsed: false },
  },
  {
    name: 'after a restart, rise successes bring it in',
    start: checking(0, false),
    checks: '++',
    expect: { state: 'up', isUsed: true },
  },
  {
    name: 'after a restart, one failure confirms',
    start: checking(0, false),
    checks: '-',
    expect: { state: 'down', isUsed: false },
  },
  {
    name: 'down too often: held, and told why',
    checks: '+---++---',
    expect: { state: 'down', reason: 'flapping, held down for 5s: connect refused' },
  },
  {
    name: 'held: it stays down whatever its checks say, and so does the reason',
    checks: '+---++---+-++',
    expect: { state: 'down', reason: 'flapping, held down for 5s: connect refused' },
  },
  {
    name: 'the hold is over: the next success brings it back',
    checks: '+---++---++++++',
    expect: { state: 'up', isUsed: true, sinceMs: 14_000, reason: null },
  },
  {
    name: 'the hold is over, and it fails: as any other',
    checks: '+---++--------',
    expect: { state: 'down', reason: 'connect refused', failures: 5 },
  },
  {
    name: 'down again soon after a hold: held for twice as long',
    checks: '+---++---+++++---',
    expect: { state: 'down', reason: 'flapping, held down for 10s: connect refused' },
  },
  {
    name: 'unchecked is always used',
    start: unchecked(0),
    checks: '----',
    expect: { state: 'unchecked', isUsed: true, sinceMs: 0 },
  },
];

for (const { name, start = checking(0, true), checks, expect } of rows)
  test(name, () => {
    const health = after(start, checks);
    assert.deepEqual({ ...health, ...expect }, health);
  });

const PAUSES: { checks: string; expectMs: number }[] = [
  { checks: '', expectMs: 1_000 },
  { checks: '+--', expectMs: 1_000 },
  { checks: '+-----', expectMs: 1_000 },
  { checks: '+------', expectMs: 2_000 },
  { checks: '+-------', expectMs: 4_000 },
  { checks: '+--------', expectMs: 5_000 },
  { checks: `+${'-'.repeat(2_000)}`, expectMs: 5_000 },
  { checks: '+--------+', expectMs: 1_000 },
  { checks: '+--------+-', expectMs: 1_000 },
];

for (const { checks, expectMs } of PAUSES)
  test(`after '${checks.slice(0, 12)}' (${checks.length} checks) the next is ${expectMs} ms later`, () => {
    assert.equal(pauseMs(after(checking(0, true), checks), pauses), expectMs);
  });

test('whatever was before, rise successes after the longest hold bring it up, and held is not used', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (checks) => {
      let health = checking(0, true);
      let seconds = 0;
      const check = (isWell: boolean) => {
        health = step(health, isWell ? ok : refused, limits, at(++seconds));
        if (seconds * 1_000 < health.flaps.heldUntilMs) assert.equal(health.isUsed, false);
        assert.equal(health.isUsed, health.state !== 'down');
      };
      for (const isWell of checks) check(isWell);
      for (let i = 0; i < flapping.mostMs / 1_000 + limits.rise; i++) check(true);
      assert.equal(health.state, 'up');
    }),
  );
});
