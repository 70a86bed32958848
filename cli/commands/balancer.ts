/** `fullnat balancer`: the balancer's daemon, in the foreground. */
import { runBalancer } from '../../control/balancer/daemon.ts';
import { balancerConfigOf } from '../../control/config/read.ts';
import { command } from '../command.ts';
import { daemonOptions, runDaemon } from '../run-daemon.ts';

export const balancer = command({
  name: 'balancer',
  summary: 'Run the balancer of an instance in the foreground',
  details:
    'Checks the whole configuration, loads the kernel programs or takes over what an earlier\n' +
    'balancer of this instance left in the kernel (sessions go on), and keeps tables and health\n' +
    'checks going until Ctrl-C or SIGTERM. The kernel forwards without it: stopping it, or losing\n' +
    'it, ends no connection. `fullnat detach` removes everything.\n\n' +
    'SIGHUP: the file is read again. What changed is applied and nothing else touched; when the\n' +
    'file cannot be used, or cannot be had while the daemon runs, all stays as it was and the log\n' +
    'says why.\n\n' +
    'Logs go to stderr: one line an event on a terminal, JSON otherwise. Exit code 2: the\n' +
    'configuration cannot be used, and nothing was touched.',
  arguments: {},
  options: daemonOptions,
  examples: [
    { command: 'fullnat balancer -c balancer.yaml', does: 'load, attach, check backends' },
    { command: 'fullnat balancer -c balancer.yaml --detach-on-exit', does: 'leave nothing behind' },
  ],
  handler: ({ options }, context) =>
    runDaemon(
      { role: 'balancer', interpret: balancerConfigOf, run: runBalancer },
      options,
      context,
    ),
});
