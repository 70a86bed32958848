import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DurationHistogram } from './duration-histogram.ts';

test('no durations have the quantile 0', () => {
  assert.equal(new DurationHistogram().quantile(0.5), 0);
});

test('a quantile is never below the true one, and at most a twentieth above it', () => {
  const durations = fc.array(fc.double({ min: 0.001, max: 100_000, noNaN: true }), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99, 1), (all, share) => {
      const histogram = new DurationHistogram();
      for (const each of all) histogram.add(each);
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(share * all.length) - 1] ?? 0;
      const found = histogram.quantile(share);
      assert.ok(found >= exact * 0.999_999 && found <= exact * 1.050_001, `${found} for ${exact}`);
    }),
  );
});
