/** The command line of npm run fuzz. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzOptions, type FuzzOptions } from './options.ts';

const ALL = { conversations: 200_000, frames: 10_000_000 };

const READ: readonly [argv: string, options: FuzzOptions | 'help'][] = [
  ['', { counts: ALL, forSeconds: Infinity, seed: 7 }],
  ['--for 90s', { counts: ALL, forSeconds: 90, seed: 7 }],
  ['--for 2h --seed 3', { counts: ALL, forSeconds: 7200, seed: 3 }],
  ['frames', { counts: { ...ALL, conversations: 0 }, forSeconds: Infinity, seed: 7 }],
  [
    'conversations --count 50',
    { counts: { conversations: 50, frames: 0 }, forSeconds: Infinity, seed: 7 },
  ],
  ['--help', 'help'],
];

const REFUSED: readonly [argv: string, message: RegExp][] = [
  ['packets', /conversations or frames, got packets/],
  ['frames conversations', /got frames conversations/],
  ['--count 5', /--count needs conversations or frames/],
  ['frames --count x', /--count must be an integer/],
  ['--for 90', /90s, 30m or 8h, got 90/],
  ['--seed 9999999999', /--seed must be an integer/],
  ['--sead 1', /sead/],
];

test('what is asked for', async (t) => {
  for (const [argv, options] of READ)
    await t.test(argv || 'nothing', () => assert.deepEqual(fuzzOptions(words(argv), 7), options));
});

test('what makes no sense is refused with the reason', async (t) => {
  for (const [argv, message] of REFUSED)
    await t.test(argv, () => assert.throws(() => fuzzOptions(words(argv), 7), message));
});

function words(argv: string): string[] {
  return argv.split(' ').filter((word) => word !== '');
}
