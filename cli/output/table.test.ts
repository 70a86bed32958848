import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLOURED, PLAIN, styleFor } from './style.ts';
import { table, type Column } from './table.ts';
import { bytes, seconds } from './units.ts';

interface Row {
  readonly name: string;
  readonly count: number;
}

const columns: readonly Column<Row>[] = [
  { heading: 'NAME', text: ({ name }) => name },
  { heading: 'COUNT', text: ({ count }) => String(count), align: 'right' },
];

test('numbers stand right, text left, nothing is a dash', () => {
  const rows = [
    { name: 'web', count: 5 },
    { name: '', count: 123_456 },
  ];
  assert.equal(table(columns, rows, PLAIN), 'NAME   COUNT\nweb        5\n-     123456\n');
});

test('as many rows as there can be sessions', () => {
  const rows = Array.from({ length: 300_000 }, (_, count) => ({ name: 'x', count }));
  assert.equal(table(columns, rows, PLAIN).split('\n').length, 300_002);
});

const colours = [
  { isTerminal: true, environment: {}, style: COLOURED },
  { isTerminal: true, environment: { NO_COLOR: '' }, style: COLOURED },
  { isTerminal: true, environment: { NO_COLOR: '1' }, style: PLAIN },
  { isTerminal: true, environment: { TERM: 'dumb' }, style: PLAIN },
  { isTerminal: false, environment: {}, style: PLAIN },
];
for (const { isTerminal, environment, style } of colours)
  test(`terminal ${isTerminal}, ${JSON.stringify(environment)}`, () => {
    assert.equal(styleFor(isTerminal, environment), style);
  });

const units = [
  { shown: bytes(0), expect: '0 B' },
  { shown: bytes(1_023), expect: '1023 B' },
  { shown: bytes(1_024), expect: '1.0 KiB' },
  { shown: bytes(1024 ** 2 - 1), expect: '1.0 MiB' },
  { shown: bytes(5 * 1024 ** 3), expect: '5.0 GiB' },
  { shown: seconds(59.9), expect: '59s' },
  { shown: seconds(60), expect: '1m' },
  { shown: seconds(3_725), expect: '1h2m' },
  { shown: seconds(90_000), expect: '1d1h' },
];
for (const { shown, expect } of units)
  test(`shown as ${expect}`, () => assert.equal(shown, expect));
