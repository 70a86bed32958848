/** A share of `npm run fuzz:captures`, which reads a million. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzCaptures } from './captures.ts';

const FILES = 50_000;

test(`${FILES} damaged captures are read`, { timeout: 150_000 }, async () => {
  const { files, packets, connections, damages } = await fuzzCaptures(FILES, 1);
  assert.equal(files, FILES);
  // Damage that spares nothing, or everything, would test little.
  assert.ok(packets > FILES && connections > FILES / 2 && damages > FILES / 4);
});
