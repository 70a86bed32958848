import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckCounts } from './check-counts.ts';

const BACKEND = '10.0.98.79:8056';

test('checks are counted by result, with their time', () => {
  const counts = new CheckCounts();
  const add = (ok: boolean) =>
    counts.add(BACKEND, {
      atMs: 0,
      tookMs: 250,
      result: ok ? { ok } : { ok, reason: 'timeout' },
    });
  assert.deepEqual(counts.of(BACKEND), { succeeded: 0, failed: 0, seconds: 0 });
  add(true);
  add(true);
  add(false);
  assert.deepEqual(counts.of(BACKEND), { succeeded: 2, failed: 1, seconds: 0.75 });
  assert.equal(counts.of('10.0.98.80:8056').failed, 0);
});
