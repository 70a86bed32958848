/** What Maglev promises: even shares, and few flows that move. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maglev, MAGLEV_SLOTS } from './maglev.ts';
import type { NamedWeighted } from './weighted.ts';

const anyPrefix = fc.stringMatching(/^10\.\d{1,2}\.\d{1,2}$/);

test('100 backends: no share is more than 1 % off', () => {
  fc.assert(
    fc.property(anyPrefix, (prefix) => {
      const table = maglev(equal(prefix, 100));
      assert.equal(table.length, MAGLEV_SLOTS);
      for (const count of countsOf(table, 100))
        assert.ok(Math.abs(count / (MAGLEV_SLOTS / 100) - 1) <= 0.01, `${count} slots`);
    }),
    { numRuns: 10 },
  );
});

test('one of 100 leaves: at most 2 % of the flows of the others move', () => {
  fc.assert(
    fc.property(anyPrefix, fc.nat(99), (prefix, gone) => {
      const all = equal(prefix, 100);
      const before = maglev(all);
      const after = maglev(all.filter(({ index }) => index !== gone));
      const others = before.filter((index) => index !== gone).length;
      const moved = before.filter((index, slot) => index !== gone && after[slot] !== index).length;
      assert.ok(moved / others <= 0.02, `${moved} of ${others} moved`);
      assert.ok(!after.includes(gone));
    }),
    { numRuns: 10 },
  );
});

test('shares are as the weights say, and a weight is never nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 20 }),
      (weights) => {
        const table = maglev(
          weights.map((weight, index) => ({ name: `b${index}`, index, weight })),
          1_009,
        );
        const total = weights.reduce((a, b) => a + b, 0);
        const exact = weights.map((weight) => (weight * 1_009) / total);
        const counts = countsOf(table, weights.length);
        assert.ok(counts.every((count) => count >= 1));
        if (exact.every((share) => share >= 1))
          counts.forEach((count, i) => assert.ok(Math.abs(count - (exact[i] ?? 0)) < 1 + 1e-9));
      },
    ),
    { numRuns: 50 },
  );
});

test('the place of a backend depends on its name, not on its index', () => {
  const names = (backends: readonly NamedWeighted[]) =>
    maglev(backends, 101).map((index) => backends.find((one) => one.index === index)?.name);
  const all = equal('10.0.98', 5);
  assert.deepEqual(names(all.map((one) => ({ ...one, index: 40 - one.index }))), names(all));
});

test('nobody: no table; weight 0: no slot', () => {
  assert.deepEqual(maglev([]), []);
  const table = maglev([
    { name: 'a', index: 1, weight: 0 },
    { name: 'b', index: 2, weight: 9 },
  ]);
  assert.deepEqual([...new Set(table)], [2]);
});

function equal(prefix: string, count: number): NamedWeighted[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ name: `${prefix}.${index}:80`, index, weight: 1 },
  }));
}

function countsOf(table: readonly number[], backends: number): number[] {
  const counts = Array.from({ length: backends }, () => 0);
  for (const index of table) counts[index] = (counts[index] ?? 0) + 1;
  return counts;
}
