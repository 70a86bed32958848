/** A configuration file for a daemon: what is in it, and whose it is. */
import { UsageError } from '../command.ts';
import { formatProblem } from '../../control/config/problem.ts';
import { readConfig, roleIn } from '../../control/config/read.ts';
import type { DaemonRole } from '../../control/state/directory.ts';
import type { Target } from './call.ts';
import { namedTarget, type TargetOptions } from './target.ts';
import { socketOf } from '../daemons.ts';
import { readInput } from '../input.ts';

export type ConfigFile = {
  readonly text: string;
  readonly role: DaemonRole;
  readonly instance: string;
};

export async function readConfigFile(file: string): Promise<ConfigFile> {
  const text = await readInput(file);
  const found = roleIn(text);
  if (found !== undefined) return { text, ...found };
  const read = readConfig(text, { file: nameOf(file) });
  throw new UsageError(
    read.ok ? `${file} is for no daemon` : read.problems.map(formatProblem).join('\n'),
  );
}

/** The daemon that the file is for, unless another is named. */
export function targetOf({ role, instance }: ConfigFile, options: TargetOptions): Target {
  const named = namedTarget(options);
  if (named !== undefined) return named;
  const chosen = options.instance === 'default' ? instance : options.instance;
  return { kind: 'socket', path: socketOf(chosen, role) };
}

/** As a daemon takes it: in messages and in its history. */
export function nameOf(file: string): string {
  return (file === '-' ? '<stdin>' : file).replaceAll(/[^\x20-\x7e]/g, '?').slice(-200);
}
