/** What `fullnat balancer` and `fullnat agent` have in common: options, errors, exit codes. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError } from '../control/config/problem.ts';
import { readAside } from '../control/config/read-aside.ts';
import { thisMachine, type Machine } from '../control/config/machine.ts';
import { isForPeople } from '../control/daemon/failure.ts';
import { createLog, LOG_LEVELS, type Log, type LogLevel } from '../control/daemon/log.ts';
import type { DaemonOptions } from '../control/daemon/serve.ts';
import { thisSupervisor } from '../control/daemon/supervisor.ts';
import { whatIsInForce } from '../control/reconcile/first.ts';
import type { ConfigSource } from '../control/reconcile/configurator.ts';
import { stateDirectory, stateRoot } from '../control/state/directory.ts';
import type { DaemonRole } from '../control/state/directory.ts';
import { Revisions } from '../control/state/revisions.ts';
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
  readonly role: DaemonRole;
  readonly interpret: (text: string, file: string, machine: Machine) => C;
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
  const named = (config: C): C => ({ ...config, instance: given.instance ?? config.instance });
  const source: ConfigSource<C> = {
    ...{ requests, file: resolve(file) },
    read: () => readFile(file, 'utf8'),
    interpret: async (text, shownFile) =>
      named((await readAside({ role: kind.role, text, file: shownFile })) as unknown as C),
  };
  /* before it serves there is nobody to be kept waiting */
  const atOnce = {
    ...source,
    interpret: async (text: string, shownFile: string) =>
      named(kind.interpret(text, shownFile, thisMachine)),
  };
  try {
    const log = createLog(given.logLevel, stderr.isTerminal);
    const root = stateRoot(process.env, process.getuid?.() ?? 0);
    const { fileText, first } = await firstTime(atOnce, file, kind.role, root, log);
    await kind.run(first.config, {
      ...{ configFile: resolve(file), log, signal, source, fileText, first },
      stateRoot: root,
      supervisor: thisSupervisor(),
      detachOnExit: given.detachOnExit,
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
async function firstTime<C extends { readonly instance: string }>(
  source: ConfigSource<C>,
  file: string,
  role: DaemonRole,
  root: string,
  log: Log,
) {
  try {
    const fileText = await source.read();
    const config = await source.interpret(fileText, file);
    const revisions = new Revisions(stateDirectory(root, config.instance, role));
    const first = await whatIsInForce(source, { config, text: fileText }, revisions, log);
    return { fileText, first };
  } catch (error) {
    if (error instanceof ConfigError)
      throw new UsageError(`${file} cannot be used; nothing was changed\n${error.message}`);
    if (isForPeople(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new UsageError(`${file}: there is no such file`);
    if (code !== undefined) throw new UsageError(`cannot read ${file}: ${message}`);
    throw error;
  }
}
