/** Runs one command line and resolves to its exit code: 0 done, 1 could not be done, 2 bad usage or input. */
import { CommanderError } from 'commander';
import { assemble, exitCodeOf } from './assemble.ts';
import { CommandError, UsageError, type Command, type Context, type Group } from './command.ts';

export async function run(
  registry: readonly (Command | Group)[],
  words: readonly string[],
  context: Context,
): Promise<number> {
  let exitCode = 0;
  const program = assemble(registry, context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(asHelpOption(words), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOf(error);
    if (error instanceof UsageError) return say(context, error.message, 2);
    if (error instanceof CommandError) return say(context, error.message, 1);
    throw error;
  }
}

/** `help lab up` means `lab up --help`: commander's own `help` looks at one word only. */
function asHelpOption(words: readonly string[]): string[] {
  return words[0] === 'help' && words.length > 2 ? [...words.slice(1), '--help'] : [...words];
}

function say({ stderr }: Context, message: string, exitCode: number): number {
  stderr.write(`fullnat: ${message}\n`);
  return exitCode;
}
