/** The reference of metrics is made from the catalogue: UPDATE_GOLDEN=1 rewrites it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { METRICS, type Metric } from './catalogue.ts';

const REFERENCE = new URL('../../../docs/reference/metrics.md', import.meta.url);
const TABLE = /(<!-- metrics: [^\n]*-->\n)[^]*(<!-- end -->)/;

test('the reference has every metric, its labels and its question', () => {
  const text = readFileSync(REFERENCE, 'utf8');
  assert.match(text, TABLE);
  const fresh = text.replace(TABLE, (_, before: string, after: string) =>
    [before, '\n', tableOf(Object.entries(METRICS)), '\n', after].join(''),
  );
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(REFERENCE, fresh);
  else assert.equal(text, fresh, 'UPDATE_GOLDEN=1 rewrites it');
});

test('names end in their unit, and counters in _total', () => {
  for (const [name, { type, labels }] of Object.entries(METRICS)) {
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.ok(!labels.some((label) => label.includes('client')), `${name}: clients are no labels`);
  }
});

/** Aligned as the formatter of documents does it. */
function tableOf(metrics: readonly [string, Metric][]): string {
  const rows = [
    ['name', 'type', 'labels', 'question it answers'],
    ...metrics.map(([name, { type, labels, help }]) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(' '),
      help.replaceAll('|', '\\|'),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map(
    (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return `${[lines[0], rule, ...lines.slice(1)].join('\n')}\n`;
}
