import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedContext } from '../testing.ts';
import { progressOn } from './progress.ts';

test('in a pipe: a line for each thing, and no control characters', () => {
  const { context, stderr } = recordedContext();
  const progress = progressOn(context.stderr, false);
  progress.begin('building');
  progress.giveWay();
  progress.begin('probing');
  progress.end();
  assert.equal(stderr(), '… building\n… probing\n');
});

test('on a terminal: erased before anything else is printed, and at the end', () => {
  const { context, stderr } = recordedContext({ isTerminal: true });
  const progress = progressOn(context.stderr, true);
  progress.begin('building');
  progress.giveWay();
  context.stderr.write('a line\n');
  progress.end();
  progress.giveWay();
  assert.equal(stderr(), '\r\u001b[K   … building (0 s)\r\u001b[Ka line\n\r\u001b[K');
});
