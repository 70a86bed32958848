/** Who asks too often waits; others do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from './rate-limit.ts';

test('a burst passes, then as many as the rate allows; another is not concerned', () => {
  let nowMs = 0;
  const limit = new RateLimit({ perSecond: 2, burst: 3 }, () => nowMs);
  const passed = (who: string) =>
    Array.from({ length: 5 }, () => limit.take(who)).filter((wait) => wait === undefined);
  assert.equal(passed('anna').length, 3);
  assert.equal(limit.take('anna'), 1);
  nowMs = 1_000;
  assert.equal(passed('anna').length, 2);
  assert.equal(passed('bert').length, 3);
  nowMs = 1_000_000;
  assert.equal(passed('anna').length, 3, 'a pause saves no more than the burst');
});

test('however many ask, a bounded number is remembered, and who asks now is one of them', () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1 }, () => 0);
  for (let i = 0; i < 20_000; i++) limit.take(String(i));
  assert.notEqual(limit.take('19999'), undefined);
  assert.equal(limit.take('0'), undefined, 'forgotten');
});
