import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCandidates } from './candidates.ts';

/** `a`: well; `A`: not; `(a)`: a backup; `a0`: without a weight. */
const rows: readonly [name: string, backends: string, panic: number, chosen: string][] = [
  ['those that are well', 'a B c', 0, 'ac'],
  ['weight 0 gets nothing', 'a b0', 0, 'a'],
  ['backups wait while one of the others is well', 'a B (c)', 0, 'a'],
  ['backups take over when none of the others is', 'A B (c) (D)', 0, 'c'],
  ['... or when they have no weight', 'a0 (c)', 0, 'c'],
  ['nobody is well: nobody', 'A B (C)', 0, ''],
  ['enough are well', 'a b C D', 50, 'ab'],
  ['too few are well: all of them', 'a B C D', 50, 'aBCD!'],
  ['nobody is well: all of them', 'A B', 1, 'AB!'],
  ['a backup that is well comes before all of those that are not', 'A B (c)', 50, 'c'],
  ['nobody at all', '', 50, ''],
];

for (const [name, backends, panicPercent, wanted] of rows)
  test(name, () => {
    const { chosen, isPanic } = chooseCandidates(backends.split(' ').flatMap(read), panicPercent);
    assert.equal(chosen.map((one) => one.name).join('') + (isPanic ? '!' : ''), wanted);
  });

function read(text: string) {
  const [name] = /[a-zA-Z]/.exec(text) ?? [];
  if (name === undefined) return [];
  const [weight, isBackup] = [text.includes('0') ? 0 : 1, text.startsWith('(')];
  return [{ name, weight, isBackup, isWell: name === name.toLowerCase() }];
}
