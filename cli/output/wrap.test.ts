import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrap } from './wrap.ts';

const rows: { name: string; first: string; parts: string[]; columns: number; lines: string[] }[] = [
  { name: 'one line', first: '- ', parts: ['a', 'b'], columns: 9, lines: ['- a b'] },
  {
    name: 'broken and indented',
    first: '- ',
    parts: ['aa', 'b'],
    columns: 5,
    lines: ['- aa', '  b'],
  },
  { name: 'exactly full', first: '- ', parts: ['aa', 'b'], columns: 6, lines: ['- aa b'] },
  {
    name: 'longer than the line',
    first: '- ',
    parts: ['aaaa', 'b'],
    columns: 3,
    lines: ['- aaaa', '  b'],
  },
  { name: 'nothing', first: '- ', parts: [], columns: 9, lines: ['-'] },
];
for (const { name, first, parts, columns, lines } of rows) {
  test(name, () => {
    assert.equal(wrap(first, parts, columns), lines.map((line) => `${line}\n`).join(''));
  });
}
