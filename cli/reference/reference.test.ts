/** What is made of the command values: nothing missing, and manual pages that mandoc finds no fault with. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { command } from '../command.ts';
import { allCommands } from '../registry.ts';
import { blocksOf, configurationPage } from './configuration-page.ts';
import { entriesOf } from './entries.ts';
import { manPages } from './man.ts';
import { cliMarkdown } from './markdown.ts';
import { flags, paragraph, word } from './mdoc.ts';

const run = promisify(execFile);
const REGISTRY = await allCommands();
const DATE = new Date('2026-11-22T12:00:00Z');
// From dist/cli/reference/ to the package.
const CONFIGURATION = new URL('../../../docs/reference/configuration.md', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'fullnat-man-'));
after(() => rmSync(folder, { recursive: true }));

const pages = new Map([
  ...manPages(REGISTRY, DATE),
  ['fullnat.yaml.5', configurationPage(readFileSync(CONFIGURATION, 'utf8'), DATE)],
]);

test('mandoc warns of nothing, groff neither', async () => {
  const files = [...pages].map(([name, text]) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  });
  const { stdout } = await run('mandoc', ['-T', 'lint', '-W', 'warning', ...files]);
  assert.equal(stdout, '');
  const groff = await run('groff', ['-Kutf8', '-Tutf8', '-mdoc', '-ww', ...files]);
  assert.equal(groff.stderr, '');
});

test('every option of every command is in its page and in the table', () => {
  const markdown = cliMarkdown(REGISTRY);
  for (const { path, command: each } of entriesOf(REGISTRY)) {
    const text = pages.get(`fullnat-${path.replaceAll(' ', '-')}.1`) ?? '';
    for (const option of Object.values(each.options)) {
      assert.ok(text.includes(`.It ${flags(option.flags)}\n`), `${path} ${option.flags}`);
      assert.ok(markdown.includes(`\`${option.flags.replaceAll('|', '\\|')}\``), option.flags);
    }
  }
});

test('a hidden command is in neither', () => {
  const spec = {
    summary: 'Do it',
    arguments: {},
    options: {},
    examples: [],
    handler: async () => 0,
  };
  const registry = [
    command({ ...spec, name: 'shown' }),
    command({ ...spec, name: 'secret', isHidden: true }),
  ];
  assert.deepEqual([...manPages(registry, DATE).keys()], ['fullnat.1', 'fullnat-shown.1']);
  assert.doesNotMatch(cliMarkdown(registry), /secret/);
});

const macros: readonly { name: string; made: string | readonly string[]; expect: unknown }[] = [
  {
    name: 'both flags',
    made: flags('-o, --output <format>'),
    expect: 'Fl o , Fl -output Ar \\&format',
  },
  { name: 'a flag alone', made: flags('--watch'), expect: 'Fl -watch' },
  { name: 'a word that is a macro elsewhere', made: word('Nm'), expect: '\\&Nm' },
  { name: 'several words, quoted', made: word('say "so"'), expect: '"say \\(dqso\\(dq"' },
  { name: 'a line that begins with a dot', made: paragraph('.so'), expect: ['.Pp', '\\&.so'] },
  { name: 'a backslash', made: paragraph('a\\b'), expect: ['.Pp', 'a\\eb'] },
  { name: 'sentences', made: paragraph('One. Two.'), expect: ['.Pp', 'One.', 'Two.'] },
];
for (const { name, made, expect } of macros)
  test(`mdoc: ${name}`, () => assert.deepEqual(made, expect));

const markdown: readonly { text: string; expect: unknown }[] = [
  { text: '## A `b`', expect: [{ kind: 'heading', depth: 2, text: 'A b' }] },
  { text: '```yaml\na: 1\n\nb: 2\n```\n', expect: [{ kind: 'code', lines: ['a: 1', '', 'b: 2'] }] },
  {
    text: '| key | means |\n| --- | --- |\n| `a` | b \\| [c](d) |\n',
    expect: [
      {
        kind: 'table',
        rows: [
          ['key', 'means'],
          ['a', 'b | c'],
        ],
      },
    ],
  },
  {
    text: '- one\n  and **more**\n- two\n',
    expect: [{ kind: 'list', items: ['one and more', 'two'] }],
  },
  {
    text: 'one\nline\n\nanother\n',
    expect: [
      { kind: 'paragraph', text: 'one line' },
      { kind: 'paragraph', text: 'another' },
    ],
  },
];
for (const { text, expect } of markdown)
  test(`markdown: ${JSON.stringify(text)}`, () => assert.deepEqual(blocksOf(text), expect));
