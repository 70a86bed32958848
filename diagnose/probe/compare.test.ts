import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from './compare.ts';
import type { Label } from './outcome.ts';
import { Tally, type Summary } from './summary.ts';

const rows: readonly {
  name: string;
  given: readonly (readonly [Label, number][])[];
  says: RegExp;
}[] = [
  { name: 'nothing failed', given: [[['open', 5]], [['open', 5]]], says: /^no target failed$/ },
  { name: 'no attempts', given: [[], []], says: /nothing to tell apart$/ },
  {
    name: 'all fail',
    given: [[['silent', 1]], [['closed', 2]]],
    says: /^all targets fail/,
  },
  {
    name: 'the listener fails, the server does not',
    given: [
      [
        ['silent', 5],
        ['open', 5],
      ],
      [['open', 10]],
    ],
    says: /^t0 fails 5 of 10, t1 0 of 10: the fault is in what only t0 passes$/,
  },
  {
    name: 'one of ten may be chance: 0.50',
    given: [
      [
        ['silent', 1],
        ['open', 9],
      ],
      [['open', 10]],
    ],
    says: /too few to tell, chance alone does this with probability 0\.50$/,
  },
  {
    name: 'late is no failure',
    given: [[['late', 5]], [['open', 5]]],
    says: /nothing to tell apart$/,
  },
];

for (const { name, given, says } of rows)
  test(name, () => {
    const targets = given.map((counts, i) => ({ target: `t${i}`, summary: summaryOf(counts) }));
    assert.match(compare(targets).join('\n'), says);
  });

function summaryOf(counts: readonly (readonly [Label, number])[]): Summary {
  const all = new Map(counts);
  const summary = new Tally().summary();
  return { ...summary, counts: { ...summary.counts, ...Object.fromEntries(all) } };
}
