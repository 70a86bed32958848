import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readConfig } from './read.ts';
import { AGENT, BALANCER } from './samples.ts';

test('whatever stands in a file, it is read or refused with places inside it', () => {
  const anyText = fc.tuple(
    fc.constantFrom(BALANCER, AGENT),
    fc.array(
      fc.tuple(
        fc.nat(700),
        fc.nat(12),
        fc.constantFrom('', ' ', '\n', ':', '- ', '[]', '{}', 'x', '0', '~', '&a ', '*a', '"', '#'),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  );
  fc.assert(
    fc.property(anyText, ([sample, edits]) => {
      const text = edits.reduce<string>(
        (sofar, [at, length, put]) => sofar.slice(0, at) + put + sofar.slice(at + length),
        sample,
      );
      const read = readConfig(text, { file: 'f' });
      if (read.ok) return;
      assert.ok(read.problems.length > 0);
      const lines = text.split('\n');
      for (const { line, column } of read.problems) {
        assert.ok(line >= 1 && line <= lines.length, `line ${line}`);
        assert.ok(column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1, `column ${column}`);
      }
    }),
    { numRuns: 400 },
  );
});
