/** What `fullnat balancer` and `fullnat agent` have in common: options, errors, exit codes. */
import { resolve } from 'node:path';
import { ConfigError } from '../control/config/problem.ts';
import { thisMachine, type Machine } from '../control/config/machine.ts';
import { isForPeople } from '../control/daemon/failure.ts';
import { createLog, LOG_LEVELS, type LogLevel } from '../control/daemon/log.ts';
import type { DaemonOptions } from '../control/daemon/serve.ts';
import { stateRoot } from '../control/state/directory.ts';
import { choice } from './choice.ts';
import { hangups } from './hangups.ts';
import { CommandError, flag, option, optionOr, UsageError, type Context } from './command.ts';
import { readInstance } from './instance.ts';

export const daemonOptions = {
  config: option('-c, --config <file>', 'the configuration; required', (path) => path),
  instance: option(
    '--instance <name>',
    'use this instance name, not the one of the file',
    readInstance,
  ),
  detachOnExit: flag(
    '--detach-on-exit',
    'remove programs and maps when stopped; ends every session',
  ),
  logLevel: optionOr(
    '--log-level <level>',
    LOG_LEVELS.join(', '),
    choice('log level', LOG_LEVELS),
    'info',
  ),
};

export type DaemonCommandOptions = {
  readonly config: string | undefined;
  readonly instance: string | undefined;
  readonly detachOnExit: boolean;
  readonly logLevel: LogLevel;
};

export type DaemonKind<C extends { readonly instance: string }> = {
  readonly load: (file: string, machine: Machine) => Promise<C>;
  readonly run: (config: C, options: DaemonOptions<C>) => Promise<void>;
};

/** Resolves when the daemon has been told to stop and has. */
export async function runDaemon<C extends { readonly instance: string }>(
  kind: DaemonKind<C>,
  given: DaemonCommandOptions,
  { stderr, signal }: Context,
): Promise<number> {
  const file = given.config;
  if (file === undefined) throw new UsageError('no configuration is given; use -c FILE');
  const requests = hangups();
  const read = async () => {
    const config = await kind.load(file, thisMachine);
    return { ...config, instance: given.instance ?? config.instance };
  };
  try {
    const config = await firstTime(read, file);
    await kind.run(config, {
      configFile: resolve(file),
      stateRoot: stateRoot(process.env),
      log: createLog(given.logLevel, stderr.isTerminal),
      signal,
      detachOnExit: given.detachOnExit,
      source: { requests, read },
    });
    return 0;
  } catch (error) {
    if (isForPeople(error)) throw new CommandError(error.message, { cause: error });
    throw error;
  } finally {
    requests.close();
  }
}

/** Bad configuration is bad input: exit code 2, every problem on a line of its own. */
async function firstTime<C>(read: () => Promise<C>, file: string): Promise<C> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ConfigError)
      throw new UsageError(`${file} cannot be used; nothing was changed\n${error.message}`);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new UsageError(`${file}: there is no such file`);
    if (code !== undefined) throw new UsageError(`cannot read ${file}: ${message}`);
    throw error;
  }
}
