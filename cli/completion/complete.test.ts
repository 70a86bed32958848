/** What may stand at the end of a line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choice } from '../choice.ts';
import { argument, command, flag, listOption, option, optionOr, restArgument } from '../command.ts';
import type { Group } from '../command.ts';
import { complete } from './complete.ts';

const text = (word: string) => word;
const common = { examples: [], handler: async () => 0 };
const get = command({
  ...{ ...common, name: 'get', summary: 'List things' },
  arguments: { resource: argument('<resource>', 'which', choice('resource', ['sinks', 'sieves'])) },
  options: {
    watch: flag('-w, --watch', 'again and again'),
    output: optionOr('-o, --output <format>', 'how', choice('format', ['json', 'yaml']), 'json'),
    backend: option('--backend <address>', 'of this backend', text),
    instance: option('--instance <name>', 'of this instance', text),
    only: listOption('--only <pool>', 'of these pools', text),
  },
});
const check = command({
  ...{ ...common, name: 'check', summary: 'Check a file' },
  arguments: { file: argument('<file>', 'which', text) },
  options: {},
});
const secret = command({
  ...{ ...common, name: 'secret', summary: 'For programs', isHidden: true },
  arguments: {},
  options: {},
});
const exec = command({
  ...{ ...common, name: 'exec', summary: 'Run a command', passThrough: true },
  arguments: {
    role: argument('<role>', 'where', choice('role', ['client', 'server'])),
    command: restArgument('<command...>', 'what'),
  },
  options: { instance: option('--instance <name>', 'of this instance', text) },
});
const copy = command({
  ...{ ...common, name: 'copy', summary: 'Copy files' },
  arguments: { files: restArgument('[files...]', 'which') },
  options: {},
});
const lab: Group = { name: 'lab', summary: 'Try it', commands: [exec, copy] };
const REGISTRY = [get, check, secret, lab];

const rows: readonly { line: string; expect: readonly string[] | 'files' }[] = [
  { line: '', expect: ['get', 'check', 'lab', 'help', '--help', '--version'] },
  { line: 'ge', expect: ['get'] },
  { line: 'se', expect: [] },
  { line: 'nonsense ', expect: [] },
  { line: 'get s', expect: ['sinks', 'sieves'] },
  { line: 'get sinks ', expect: [] },
  {
    line: 'get --',
    expect: ['--watch', '--output', '--backend', '--instance', '--only', '--help'],
  },
  {
    line: 'get --watch --only web --instance x --',
    expect: ['--output', '--backend', '--only', '--help'],
  },
  { line: 'get -o ', expect: ['json', 'yaml'] },
  { line: 'get -o j', expect: ['json'] },
  { line: 'get -ojson si', expect: ['sinks', 'sieves'] },
  { line: 'get --output=j', expect: ['--output=json'] },
  { line: 'get --output=json s', expect: ['sinks', 'sieves'] },
  { line: 'get -w s', expect: ['sinks', 'sieves'] },
  { line: 'get --nonsense s', expect: ['sinks', 'sieves'] },
  { line: 'get --backend ', expect: ['backend of default'] },
  { line: 'get --backend=', expect: ['--backend=backend of default'] },
  { line: 'get --instance lab --backend ', expect: ['backend of lab'] },
  { line: 'get --instance=lab --only ', expect: ['pool of lab'] },
  { line: 'get --instance ', expect: ['instance of default'] },
  { line: 'check ', expect: 'files' },
  { line: 'check /etc/fu', expect: 'files' },
  { line: 'check one ', expect: [] },
  { line: 'lab ', expect: ['exec', 'copy', '--help'] },
  { line: 'lab copy one two ', expect: 'files' },
  { line: 'lab exec c', expect: ['client'] },
  { line: 'lab exec client -- --', expect: [] },
  { line: 'lab exec client ls --', expect: [] },
  { line: 'help ', expect: ['get', 'check', 'lab'] },
  { line: 'help lab e', expect: ['exec'] },
  { line: 'help get ', expect: [] },
];

for (const { line, expect } of rows)
  test(`fullnat ${line}|`, async () => {
    const { candidates, files } = await complete(line.split(' '), {
      registry: REGISTRY,
      live: async (name, given) => [{ word: `${name} of ${given.get('instance') ?? 'default'}` }],
    });
    assert.deepEqual(files ? 'files' : candidates.map(({ word }) => word), expect);
  });
