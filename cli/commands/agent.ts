/** `fullnat agent`: the agent's daemon, in the foreground. */
import { runAgent } from '../../control/agent/run.ts';
import { agentConfigOf } from '../../control/config/read.ts';
import { command } from '../command.ts';
import { daemonOptions, runDaemon } from '../run-daemon.ts';

export const agent = command({
  name: 'agent',
  summary:
    'Run the agent of an instance in the foreground, on the machine that carries the servers',
  details:
    'Gives servers the address of the client back: in packets (mode: packet), keeping restored\n' +
    'and direct connections apart where they would collide, or in what accept() and\n' +
    'getpeername() answer (mode: socket), where they cannot. Loads the kernel programs or takes\n' +
    'over what an earlier agent of this instance left in the kernel. The kernel goes on without\n' +
    'it: stopping it, or losing it, ends no connection. `fullnat detach` removes everything.\n\n' +
    'SIGHUP: the file is read again. What changed is applied and nothing else touched; when the\n' +
    'file cannot be used, or cannot be had while the daemon runs, all stays as it was and the log\n' +
    'says why.\n\n' +
    'Logs go to stderr: one line an event on a terminal, JSON otherwise. Exit code 2: the\n' +
    'configuration cannot be used, and nothing was touched.',
  arguments: {},
  options: daemonOptions,
  examples: [
    { command: 'fullnat agent -c agent.yaml', does: 'load, attach, report collisions' },
    { command: 'fullnat agent -c agent.yaml --log-level debug', does: 'log each collision' },
  ],
  handler: ({ options }, context) =>
    runDaemon({ role: 'agent', interpret: agentConfigOf, run: runAgent }, options, context),
});
