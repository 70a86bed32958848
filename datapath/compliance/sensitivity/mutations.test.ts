/** Every mutation still finds its text, so that none is left behind when the programs change. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { plant } from './mutation.ts';
import { mutations } from './mutations/index.ts';

/** The checkout: this file is in dist/datapath/compliance/sensitivity. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

for (const mutation of mutations)
  test(`applies: ${mutation.name}`, () => {
    const source = readFileSync(join(ROOT, 'datapath', mutation.file), 'utf8');
    assert.notEqual(plant(mutation, source), source);
    if (mutation.judge)
      assert.ok(existsSync(join(ROOT, 'dist', `${mutation.judge.file}.js`)), mutation.judge.file);
  });

test('no two mutations have one name', () => {
  assert.equal(new Set(mutations.map(({ name }) => name)).size, mutations.length);
});

test('a text that is not there, or there twice, is refused', () => {
  const mutation = { name: 'x', file: 'lib/x.h', text: 'a', replacement: 'b', why: 'y' };
  assert.equal(plant(mutation, '-a-'), '-b-');
  for (const [source, times] of [
    ['-', 0],
    ['a-a', 2],
  ] as const)
    assert.throws(() => plant(mutation, source), { message: new RegExp(`text ${times} times`) });
});
