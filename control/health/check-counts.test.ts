import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../../packet/address.ts';
import { CheckCounts } from './check-counts.ts';

const TARGET = '10.0.98.79:8056';

test('checks are counted by result, with their time; one that was called off is not', async () => {
  let nowMs = 0;
  const counts = new CheckCounts({ steadyMs: () => nowMs });
  const stop = new AbortController();
  const connect = (ok: boolean) =>
    counts.counted(async () => {
      nowMs += 250;
      return ok ? { ok } : { ok, reason: 'timeout' };
    });
  assert.deepEqual(counts.of(TARGET), { succeeded: 0, failed: 0, seconds: 0 });
  await connect(true)(endpoint(TARGET), 500, stop.signal);
  await connect(true)(endpoint(TARGET), 500, stop.signal);
  assert.deepEqual(await connect(false)(endpoint(TARGET), 500, stop.signal), {
    ok: false,
    reason: 'timeout',
  });
  stop.abort();
  await connect(false)(endpoint(TARGET), 500, stop.signal);
  assert.deepEqual(counts.of(TARGET), { succeeded: 2, failed: 1, seconds: 0.75 });
  assert.equal(counts.of('10.0.98.80:8056').failed, 0);
});
