/** docs/reference/cli.md, made of the command values. */
import type { Command, Group } from '../command.ts';
import { entriesOf, helpOf, paragraphsOf, type Entry } from './entries.ts';

const BEGINNING = `# Command line

Made of the commands themselves by \`npm run reference\`: change them, not this page. \`fullnat COMMAND --help\`
prints the same, \`man fullnat-COMMAND\` shows it where the Debian package is installed, and
[\`fullnat completion\`](#fullnat-completion) makes the TAB key know it.

Data goes to standard output, messages to standard error. Exit code 0: done; 1: could not be done, and the
message says why; 2: bad usage or bad input, and nothing was touched. Commands with further codes name them.`;

export function cliMarkdown(registry: readonly (Command | Group)[]): string {
  const entries = entriesOf(registry);
  const list = entries.map(
    ({ path, command }) =>
      `| [\`${path}\`](#fullnat-${path.replaceAll(' ', '-')}) | ${cell(command.summary)} |`,
  );
  return [
    BEGINNING,
    ['| command | does |', '| --- | --- |', ...list].join('\n'),
    ...entries.map(section),
    '',
  ].join('\n\n');
}

function section({ path, command }: Entry): string {
  const words = Object.values(command.arguments).map(({ name }) => ` ${name}`);
  const options = Object.values(command.options);
  return [
    `## fullnat ${path}`,
    sentence(command.summary),
    block('', [`fullnat ${path}${options.length === 0 ? '' : ' [options]'}${words.join('')}`]),
    ...paragraphsOf(command).map(({ kind, text }) =>
      kind === 'prose' ? escaped(text) : block('text', text.split('\n')),
    ),
    ...rowsOf(
      'argument',
      Object.values(command.arguments).map(({ name, help }) => [name, help]),
    ),
    ...rowsOf(
      'option',
      options.map((option) => [option.flags, helpOf(option)]),
    ),
    block(
      'sh',
      command.examples.map(({ command: line, does }) => `${line}  # ${does}`),
    ),
  ].join('\n\n');
}

function rowsOf(what: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  const lines = rows.map(
    ([name, help]) => `| \`${name.replaceAll('|', '\\|')}\` | ${cell(help)} |`,
  );
  return [[`| ${what} | means |`, '| --- | --- |', ...lines].join('\n')];
}

function block(language: string, lines: readonly string[]): string {
  return ['```' + language, ...lines, '```'].join('\n');
}

function sentence(text: string): string {
  return /[.…]$/.test(text) ? escaped(text) : `${escaped(text)}.`;
}

/** A table's cells end at a bar, also within code. */
function cell(text: string): string {
  return escaped(text.replaceAll('|', '\\|'));
}

/** What would be a tag or emphasis is a word outside of code. */
function escaped(text: string): string {
  return text
    .split('`')
    .map((part, i) => (i % 2 === 1 ? part : part.replaceAll(/[<*_]/g, '\\$&')))
    .join('`');
}
