import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedContext } from '../testing.ts';
import { fitted } from './screen.ts';
import { COLOURED } from './style.ts';

const rows: readonly { name: string; text: string; columns?: number; fits: string }[] = [
  { name: 'what fits is left as it is', text: 'a\nb\nc\n', fits: 'a\nb\nc\n' },
  {
    name: 'one line too many: two give way to the note',
    text: 'a\nb\nc\nd\n',
    fits: 'a\nb\n… 2 more lines\n',
  },
  {
    name: 'a line that the terminal breaks takes two',
    text: '123456\nb\nc\n',
    columns: 5,
    fits: '123456\n… 2 more lines\n',
  },
  {
    name: 'colours take no room',
    text: `${COLOURED.good('12345')}\nb\nc\n`,
    columns: 5,
    fits: `${COLOURED.good('12345')}\nb\nc\n`,
  },
  {
    name: 'a first line higher than the screen',
    text: '1234567890123456\nb\n',
    columns: 5,
    fits: '… 2 more lines\n',
  },
];

for (const { name, text, columns = 80, fits } of rows)
  test(`on four rows: ${name}`, () => {
    const { context } = recordedContext({ columns, rows: 4 });
    assert.equal(fitted(text, context.stdout), fits);
  });
