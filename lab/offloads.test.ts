import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyOffload, offloadWords } from './offloads.ts';

test('there are eight combinations of offloads, all different', () => {
  const words = everyOffload().map((offloads) => offloadWords(offloads).join(' '));
  assert.equal(words.length, 8);
  // Without transmit checksums there is no TSO; GSO is still there to tell them apart.
  assert.equal(new Set(words).size, 8);
});
