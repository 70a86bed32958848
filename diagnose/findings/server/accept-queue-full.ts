/** The listener’s accept queue is full: the application does not take its connections. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const acceptQueueFull: Hypothesis = {
  code: 'accept-queue-full',
  causes: [43],
  title: 'the accept queue of the server is full: the application does not accept',
  remedy:
    'look at why the application is stuck or too slow; raise its listen() backlog and net.core.somaxconn',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtListenOverflows'),
    }),
};
