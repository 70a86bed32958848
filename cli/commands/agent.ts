/** `fullnat agent`: the agent's daemon, in the foreground. */
import { runAgent } from '../../control/agent/daemon.ts';
import { loadAgentConfig } from '../../control/config/read.ts';
import { command } from '../command.ts';
import { daemonOptions, runDaemon } from '../run-daemon.ts';

export const agent = command({
  name: 'agent',
  summary:
    'Run the agent of an instance in the foreground, on the machine that carries the servers',
  details:
    'Gives servers the address of the client back, and keeps restored and direct connections\n' +
    'apart where they would collide. Loads the kernel programs or takes over what an earlier\n' +
    'agent of this instance left in the kernel. The kernel goes on without it: stopping it, or\n' +
    'losing it, ends no connection. `fullnat detach` removes everything.\n\n' +
    'Logs go to stderr: one line an event on a terminal, JSON otherwise. Exit code 2: the\n' +
    'configuration cannot be used, and nothing was touched.',
  arguments: {},
  options: daemonOptions,
  examples: [
    { command: 'fullnat agent -c agent.yaml', does: 'load, attach, report collisions' },
    { command: 'fullnat agent -c agent.yaml --log-level debug', does: 'log each collision' },
  ],
  handler: ({ options }, context) =>
    runDaemon({ load: loadAgentConfig, run: runAgent }, options, context),
});
