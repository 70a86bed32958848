/** Health, check by check. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checking, step, unchecked, type CheckResult, type Health } from './state.ts';

const limits = { rise: 2, fall: 3 };
const ok: CheckResult = { ok: true };
const refused: CheckResult = { ok: false, reason: 'connect refused' };

/** `+` a success, `-` a failure; one second apart. */
function after(start: Health, checks: string): Health {
  return checks
    .split('')
    .reduce(
      (health, check, i) => step(health, check === '+' ? ok : refused, limits, (i + 1) * 1_000),
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
