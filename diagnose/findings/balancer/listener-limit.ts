/** The listener has as many sessions as it may have. */
import { decideByGrowth, daemonDrops } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const listenerLimit: Hypothesis = {
  code: 'listener-limit',
  causes: [17],
  title: 'the listener has as many sessions as maxSessions allows',
  remedy: 'raise maxSessions',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['balancer'],
      measure: daemonDrops('reset-listener-limit', 'drop-listener-limit'),
      compare: 'nothing',
    }),
};
