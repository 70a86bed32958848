/** The session table of the balancer is full. */
import { decideByGrowth, daemonDrops } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const sessionTableFull: Hypothesis = {
  code: 'session-table-full',
  causes: [20],
  title: 'the session table of the balancer is full',
  remedy: 'raise sessions.capacity',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['balancer'],
      measure: daemonDrops('reset-table-full', 'drop-table-full'),
      compare: 'nothing',
    }),
};
