/** What the lab's commands share: the instance, and failures as the command line tells them. */
import { LabError } from '../../../lab/process.ts';
import { DEFAULT_INSTANCE, checkInstance } from '../../../lab/topology.ts';
import { CommandError, UsageError, optionOr } from '../../command.ts';

export const instanceOption = optionOr(
  '--instance <name>',
  'which lab; several can be up at once',
  reading(checkInstance),
  DEFAULT_INSTANCE,
);

/** A reader whose RangeError is the user's mistake. */
export function reading<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(error.message);
      throw error;
    }
  };
}

/** Runs lab work; what the lab could not do becomes a message and exit code 1. */
export async function doing<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LabError) throw new CommandError(error.message);
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

/** `--instance NAME ` in commands that we show, where it is needed. */
export function instanceWords(instance: string): string {
  return instance === DEFAULT_INSTANCE ? '' : `--instance ${instance} `;
}
