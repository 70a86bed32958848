/** Makes a commander program of the registry: help, examples, suggestions, typed values. */
import { Command as Commander, Option as CommanderOption, type CommanderError } from 'commander';
import type { Command, Context, Group } from './command.ts';

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
  const made = configured(parent.command(command.name), context)
    .description([command.summary, command.details].filter(Boolean).join('\n\n'))
    .summary(command.summary)
    .helpOption('-h, --help', 'show help')
    .allowExcessArguments(false);
  if (command.passThrough === true) made.passThroughOptions();

  const argumentEntries = Object.entries(command.arguments);
  for (const [, { name, help }] of argumentEntries) made.argument(name, help);

  const optionEntries = Object.entries(command.options).map(
    ([key, { flags, help, shownDefault }]) => {
      const suffix = shownDefault === undefined ? '' : ` (default ${shownDefault})`;
      const option = new CommanderOption(flags, help + suffix);
      made.addOption(option);
      return { key, attribute: option.attributeName() };
    },
  );
  if (command.examples.length > 0) made.addHelpText('after', examplesOf(command));

  made.action(async (...received: unknown[]) => {
    const raw = made.opts<Record<string, string | boolean | undefined>>();
    const options: Record<string, unknown> = {};
    for (const { key, attribute } of optionEntries) {
      const given = raw[attribute];
      const spec = command.options[key];
      if (spec === undefined) continue;
      if (given === undefined) options[key] = spec.fallback;
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
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => stdout.columns,
      getErrHelpWidth: () => stderr.columns,
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

function examplesOf({ examples }: Command): string {
  const width = Math.max(...examples.map(({ command }) => command.length));
  const lines = examples.map(({ command, does }) => `  ${command.padEnd(width)}  ${does}`);
  return `\nExamples:\n${lines.join('\n')}`;
}
