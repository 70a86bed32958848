import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TABLE_ENTRIES_MAX, weightedRoundRobin } from './weighted-round-robin.ts';

const letters = 'abcdefgh';
const rows = [
  { name: 'the example of nginx', weights: [5, 1, 1], table: 'aabacaa' },
  { name: 'the 3:1 of the issue', weights: [3, 1], table: 'aaba' },
  { name: 'equal weights take turns', weights: [1, 1, 1], table: 'abc' },
  {
    name: 'weights with a common divisor give the shortest table',
    weights: [200, 100],
    table: 'aba',
  },
  { name: 'weight 0 gets nothing', weights: [1, 0, 1], table: 'ac' },
  { name: 'one backend is one entry, whatever its weight', weights: [65_535], table: 'a' },
  { name: 'no backend, no entry', weights: [], table: '' },
  { name: 'all weights 0: no entry', weights: [0, 0], table: '' },
];

for (const { name, weights, table } of rows)
  test(name, () => {
    assert.equal(
      schedule(weights)
        .map((i) => letters[i])
        .join(''),
      table,
    );
  });

test('the table holds the given indices, not positions', () => {
  assert.deepEqual(
    weightedRoundRobin([
      { index: 7, weight: 2 },
      { index: 9, weight: 1 },
    ]),
    [7, 9, 7],
  );
});

test('more weighted backends than entries is refused', () => {
  assert.throws(() => weightedRoundRobin(weighted([1, 1, 1]), 2), /at most 2 backends .* got 3/);
});

const anyWeights = (max: number, backends = 12) =>
  fc.array(fc.integer({ min: 0, max }), { minLength: 1, maxLength: backends });

test('shares are exact while the cycle fits', () => {
  fc.assert(
    fc.property(anyWeights(300), (weights) => {
      const table = schedule(weights);
      weights.forEach((weight, i) =>
        assert.equal(count(table, i) * sum(weights), weight * table.length),
      );
    }),
  );
});

test('no backend is ever ahead of its share by a whole turn', () => {
  fc.assert(
    fc.property(anyWeights(60, 8), (weights) => {
      const table = schedule(weights);
      const turns = weights.map(() => 0);
      table.forEach((chosen, k) => {
        turns[chosen] = (turns[chosen] ?? 0) + 1;
        const share = ((k + 1) * (weights[chosen] ?? 0)) / sum(weights);
        assert.ok((turns[chosen] ?? 0) - share < 1, `position ${k} of ${table.join(' ')}`);
      });
    }),
  );
});

test('of two backends neither runs longer than it must', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (a, b) => {
      const table = schedule([a, b]);
      assert.equal(longestRun([...table, ...table], 0), Math.ceil(a / b));
      assert.equal(longestRun([...table, ...table], 1), Math.ceil(b / a));
    }),
  );
});

test('a capped table is full, leaves nobody out, and is within one entry of each share', () => {
  fc.assert(
    fc.property(
      anyWeights(65_535),
      fc.integer({ min: 100, max: TABLE_ENTRIES_MAX }),
      (weights, cap) => {
        const table = weightedRoundRobin(weighted(weights), cap);
        assert.ok(table.length <= cap);
        const shares = weights.map((weight) => (weight * table.length) / sum(weights));
        weights.forEach((weight, i) => assert.equal(weight > 0, count(table, i) > 0));
        if (shares.every((share) => share === 0 || share >= 1))
          shares.forEach((share, i) => assert.ok(Math.abs(count(table, i) - share) < 1 + 1e-9));
      },
    ),
    { numRuns: 60 },
  );
});

test('the cap itself: two coprime weights of 16 bits', () => {
  const table = schedule([65_535, 65_534]);
  assert.equal(table.length, 4_096);
  assert.equal(count(table, 0), 2_048);
});

function schedule(weights: readonly number[]): number[] {
  return weightedRoundRobin(weighted(weights));
}

function weighted(weights: readonly number[]) {
  return weights.map((weight, index) => ({ index, weight }));
}

function count(table: readonly number[], index: number): number {
  return table.filter((entry) => entry === index).length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function longestRun(table: readonly number[], index: number): number {
  let longest = 0;
  let run = 0;
  for (const entry of table) {
    run = entry === index ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}
