/** Texts that would end the process are refused with their place, and no others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDocument } from './document.ts';
import { AGENT, BALANCER } from './samples.ts';
import { tooDeepAt } from './depth.ts';

for (const { name, text } of [
  { name: 'lists in lists', text: `a: ${'['.repeat(20_000)}` },
  { name: 'maps in maps', text: '{"a":'.repeat(20_000) },
  { name: 'marks in a row', text: '- '.repeat(20_000) },
  { name: 'keys in a row', text: '? '.repeat(20_000) },
  {
    name: 'lines further and further in',
    text: Array.from({ length: 5_000 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
  },
])
  test(`${name} are refused`, () => {
    const read = readDocument(text, 'lb.yaml');
    assert.ok(!read.ok);
    assert.match(read.problems[0]?.message ?? '', /nested deeper than any configuration/);
  });

test('configurations are not', () => {
  for (const text of [BALANCER, AGENT, `# ${'-'.repeat(500)}\n${BALANCER}`])
    assert.equal(tooDeepAt(text), undefined);
});

for (const text of ['pools: &a [*a]', 'a: &a { b: [{ c: *a }] }'])
  test(`an alias of what it is in is refused: ${text}`, () => {
    const read = readDocument(text, 'lb.yaml');
    assert.ok(!read.ok);
    assert.match(read.problems[0]?.message ?? '', /an alias stands for something that contains it/);
  });
