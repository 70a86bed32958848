/** Makes a commander program of the registry: help, examples, suggestions, typed values. */
import { Command as Commander, Option as CommanderOption, type CommanderError } from 'commander';
import type { Command, Context, Group, Sink } from './command.ts';
import { packageVersion } from './package-version.ts';

/** Longer lines of prose are hard to follow, however wide the terminal. */
const HELP_COLUMNS_MOST = 100;

export function assemble(
  registry: readonly (Command | Group)[],
  context: Context,
  finish: (exitCode: number) => void,
): Commander {
  const program = configured(new Commander('fullnat'), context)
    .description(
      'A layer-4 load balancer in full-NAT mode whose servers see the real client,\n' +
        'and which tells by itself which hop lost a connection.',
    )
    .helpOption('-h, --help', 'show help')
    .version(`fullnat ${packageVersion()}`, '-V, --version', 'show the version, and no more')
    .helpCommand('help [command]', 'show help for a command')
    .enablePositionalOptions()
    .addHelpText('after', '\nfullnat COMMAND --help shows options and examples of a command.');
  for (const entry of registry) {
    if ('handler' in entry) {
      addCommand(program, entry, context, finish);
      continue;
    }
    const group = configured(program.command(entry.name), context)
      .description(entry.summary)
      .helpOption('-h, --help', 'show help')
      .enablePositionalOptions();
    for (const command of entry.commands) addCommand(group, command, context, finish);
  }
  return program;
}

/** Exit code of what commander threw: 0 when help was asked for, 2 for bad usage. */
export function exitCodeOf(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2;
}

function addCommand(
  parent: Commander,
  command: Command,
  context: Context,
  finish: (exitCode: number) => void,
): void {
  const made = configured(
    parent.command(command.name, { hidden: command.isHidden === true }),
    context,
  )
    .description([command.summary, flowing(command.details ?? '')].filter(Boolean).join('\n\n'))
    .summary(command.summary)
    .helpOption('-h, --help', 'show help')
    .allowExcessArguments(false);
  if (command.passThrough === true) made.passThroughOptions();

  const argumentEntries = Object.entries(command.arguments);
  for (const [, { name, help }] of argumentEntries) made.argument(name, help);

  const optionEntries = Object.entries(command.options).map(
    ([key, { flags, help, shownDefault, isList }]) => {
      const suffix = shownDefault === undefined ? '' : ` (default ${shownDefault})`;
      const option = new CommanderOption(flags, help + suffix);
      if (isList === true)
        option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
      made.addOption(option);
      return { key, attribute: option.attributeName() };
    },
  );
  if (command.examples.length > 0)
    made.addHelpText('after', () => examplesOf(command, helpColumns(context.stdout)));

  made.action(async (...received: unknown[]) => {
    const raw = made.opts<Record<string, string | boolean | string[] | undefined>>();
    const options: Record<string, unknown> = {};
    for (const { key, attribute } of optionEntries) {
      const given = raw[attribute];
      const spec = command.options[key];
      if (spec === undefined) continue;
      if (given === undefined) options[key] = spec.fallback;
      else if (Array.isArray(given)) options[key] = given.map((text) => spec.read(text));
      else options[key] = spec.isFlag ? given === true : spec.read(String(given));
    }
    const values: Record<string, unknown> = {};
    argumentEntries.forEach(([key, spec], i) => {
      const word = received[i] as string | string[] | undefined;
      values[key] = spec.read(word === undefined ? [] : [word].flat());
    });
    finish(await command.handler({ arguments: values, options }, context));
  });
}

function configured(program: Commander, { stdout, stderr }: Context): Commander {
  return program
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: false, subcommandTerm: termOf })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => helpColumns(stdout),
      getErrHelpWidth: () => helpColumns(stderr),
      outputError: (text, write) => {
        const words = [...pathOf(program), '--help'].join(' ');
        write(
          text
            .replace(/^error: /, 'fullnat: ')
            .replace(/\n\(Did you mean (.*)\?\)/, '; did you mean `$1`?'),
        );
        write(`see: ${words}\n`);
      },
    });
}

function pathOf(program: Commander): string[] {
  return program.parent === null ? [program.name()] : [...pathOf(program.parent), program.name()];
}

/** `exec <namespace> <command...>`: that all take options goes without saying. */
function termOf(command: Commander): string {
  const words = command.registeredArguments.map((argument) => {
    const word = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${word}>` : `[${word}]`;
  });
  return [command.name(), ...words].join(' ');
}

function helpColumns({ columns }: Sink): number {
  return Math.min(columns, HELP_COLUMNS_MOST);
}

/**
 * Prose without the line breaks of its source, so that it can be broken to fit the terminal.
 * Paragraphs that are set out with spaces stay as they are.
 */
function flowing(details: string): string {
  return details
    .split('\n\n')
    .map((paragraph) => (paragraph.includes('  ') ? paragraph : paragraph.replaceAll('\n', ' ')))
    .join('\n\n');
}

/** What an example does stands beside it where all of them have room for that, else below. */
function examplesOf({ examples }: Command, columns: number): string {
  const width = Math.max(...examples.map(({ command }) => command.length));
  const besides = examples.map(({ command, does }) => `  ${command.padEnd(width)}  ${does}`);
  const lines = besides.every((line) => line.length <= columns)
    ? besides
    : examples.flatMap(({ command, does }) => [`  ${command}`, `      ${does}`]);
  return `\nExamples:\n${lines.join('\n')}`;
}
