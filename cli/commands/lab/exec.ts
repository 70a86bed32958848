/** `fullnat lab exec` */
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { roleNamed } from '../../../lab/lab.ts';
import { namespacePath, spawn } from '../../../lab/namespaces.ts';
import { checkMachine } from '../../../lab/requirements.ts';
import { namespaceName } from '../../../lab/topology.ts';
import { CommandError, UsageError, argument, command, restArgument } from '../../command.ts';
import { doing, instanceOption, instanceWords } from './common.ts';

export const labExec = command({
  name: 'exec',
  summary: "Run a command in one of the lab's namespaces; its exit code is ours",
  details:
    'NAMESPACE is a role (client, client2, router, balancer, host, server1, server2) or the\n' +
    'whole name (fn-client). Only the network is another: files, pins and cgroups are the same.',
  arguments: {
    namespace: argument('<namespace>', 'role or name', (word) => word),
    command: restArgument('<command...>', 'after `--`: a program and its arguments'),
  },
  options: { instance: instanceOption },
  passThrough: true,
  examples: [
    {
      command: 'fullnat lab exec client -- curl -s http://10.0.23.111:18056/',
      does: 'a balanced connection',
    },
    { command: 'fullnat lab exec host -- tcpdump -ni vnet1', does: 'what the server gets' },
    { command: 'fullnat lab exec server1 -- ss -tn', does: 'whom the server sees' },
  ],
  handler: async ({ arguments: words, options: { instance } }, { signal }) => {
    const [first = ''] = words.command;
    const argv = first === '--' ? words.command.slice(1) : words.command;
    if (first !== '--' && first.startsWith('-'))
      throw new UsageError(
        `${first} stands after the namespace, where the command begins; options of lab exec come before it`,
      );
    if (argv.length === 0)
      throw new UsageError('which command? fullnat lab exec client -- COMMAND');
    const namespace = await doing(() => {
      checkMachine();
      return namespaceName(instance, roleNamed(instance, words.namespace));
    });
    if (!existsSync(namespacePath(namespace))) {
      const up = `fullnat lab up ${instanceWords(instance)}`.trimEnd();
      throw new CommandError(`there is no namespace ${namespace}; run: ${up}`);
    }
    return runThrough(namespace, argv, signal);
  },
});

/** Standard input, output and error are ours; a signal that we get is passed on. */
function runThrough(
  namespace: string,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(namespace, argv, { stdio: 'inherit' });
    signal.addEventListener('abort', () => {
      const name = signal.reason as NodeJS.Signals;
      // Ctrl-C reaches everybody in the foreground: a second one would end the child without a word.
      if (name !== 'SIGINT' || !isInForeground()) child.kill(name);
    });
    child.once('error', reject);
    child.once('exit', (code, killedBy) =>
      // As shells tell it: 128 and the number of the signal.
      resolve(code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy])),
    );
  });
}

/** Whether a terminal sends its Ctrl-C to us, and so to our child as well; see proc(5), stat. */
function isInForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The name, field 2, is in parentheses and may contain anything: count from behind it.
  const [, , group, , , foregroundGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return group === foregroundGroup;
}
