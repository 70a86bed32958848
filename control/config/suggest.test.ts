import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './suggest.ts';

const known = ['listeners', 'locals', 'pools', 'profile', 'timeouts'];
const rows: readonly { word: string; means: string | undefined }[] = [
  { word: 'lisetners', means: 'listeners' }, // two letters swapped
  { word: 'listener', means: 'listeners' },
  { word: 'Timeouts', means: 'timeouts' },
  { word: 'pool', means: 'pools' },
  { word: 'timeous', means: 'timeouts' },
  { word: 'backends', means: undefined },
  { word: 'x', means: undefined },
  { word: '', means: undefined },
];

for (const { word, means } of rows)
  test(`'${word}' ${means === undefined ? 'is like nothing known' : `means ${means}`}`, () => {
    assert.equal(nearest(word, known), means);
  });
