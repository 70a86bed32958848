import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { tar } from './tar.ts';

test('GNU tar lists and unpacks what was archived', () => {
  const anyFile = fc.record({
    name: fc.stringMatching(/^[a-z]{1,20}(?:\/[a-z]{1,20}){0,3}$/),
    bytes: fc.uint8Array({ maxLength: 1500 }),
  });
  const anyFiles = fc.uniqueArray(anyFile, {
    minLength: 1,
    maxLength: 4,
    selector: (one) => one.name,
  });
  fc.assert(
    fc.property(anyFiles, (files) => {
      const input = tar(files, 1_700_000_000);
      const run = (...words: string[]) => execFileSync('tar', words, { input });
      assert.deepEqual(
        run('-tf', '-').toString().trimEnd().split('\n'),
        files.map(({ name }) => name),
      );
      for (const { name, bytes } of files)
        assert.deepEqual(new Uint8Array(run('-xOf', '-', name)), bytes);
    }),
    { numRuns: 20 },
  );
});

test('a name that does not fit is refused', () => {
  assert.throws(() => tar([{ name: 'x'.repeat(101), bytes: new Uint8Array(0) }], 0), RangeError);
});
