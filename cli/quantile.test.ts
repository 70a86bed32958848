import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantile } from './quantile.ts';

const of = (...counts: number[]) =>
  counts.map((count, i) => ({ upToSeconds: i === counts.length - 1 ? null : 2 ** i, count }));

const ROWS: readonly [string, ReturnType<typeof of>, number, number | null | undefined][] = [
  ['nothing', of(0, 0, 0), 0.5, undefined],
  ['all in the first', of(5, 0, 0), 0.99, 1],
  ['half and half', of(5, 5, 0), 0.5, 1],
  ['just beyond the half', of(5, 5, 0), 0.51, 2],
  ['beyond all bounds', of(1, 0, 99), 0.5, null],
];

for (const [name, buckets, share, expected] of ROWS)
  test(`a quantile: ${name}`, () => assert.equal(quantile(buckets, share), expected));
