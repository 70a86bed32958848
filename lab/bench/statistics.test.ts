import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quantile, spread, summary } from './statistics.ts';

const rows: { values: number[]; median: number; spread: number }[] = [
  { values: [7], median: 7, spread: 0 },
  { values: [3, 1, 2], median: 2, spread: 1 },
  { values: [10, 20], median: 15, spread: 10 / 15 },
  { values: [100, 9, 10, 11], median: 10.5, spread: 91 / 10.5 },
  { values: [-1, -3, -2], median: -2, spread: 1 },
  { values: [0, 0, 0], median: 0, spread: 0 },
];

for (const row of rows) {
  test(`median of ${row.values.join(', ')} is ${row.median}`, () => {
    const all = summary(row.values);
    assert.equal(all.median, row.median);
    assert.ok(Math.abs(spread(all) - row.spread) < 1e-12);
  });
}

test('a quantile lies between neighbours', () => {
  assert.equal(quantile([0, 10], 0.25), 2.5);
  assert.equal(quantile([1, 2, 3, 4, 5], 0.9), 4.6);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('the median lies within the extremes and does not depend on the order', () => {
  const numbers = fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1 });
  fc.assert(
    fc.property(numbers, (values) => {
      const { median, min, max } = summary(values);
      assert.ok(min <= median && median <= max);
      assert.deepEqual(summary(values.toReversed()), { median, min, max });
      assert.ok(values.includes(min) && values.includes(max));
    }),
  );
});
