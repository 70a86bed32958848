import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT, PAIRWISE, SWITCHES, describeSetting, switchesOf } from './settings.ts';

test('the chosen settings have every value, and every pair of values, of all switches', () => {
  const rows = [...PAIRWISE, DEFAULT].map(switchesOf);
  const missing: string[] = [];
  for (let i = 0; i < SWITCHES; i += 1)
    for (let j = i + 1; j < SWITCHES; j += 1) {
      const pairs = new Set(rows.map((row) => `${row[i]} ${row[j]}`));
      if (pairs.size !== 4) missing.push(`switches ${i} and ${j}: only ${[...pairs].join(', ')}`);
    }
  assert.deepEqual(missing, []);
});

test('a setting in words', () => {
  assert.equal(describeSetting(DEFAULT), 'client gso+tx, server gso+tx, mtu 1500, timestamps');
});
