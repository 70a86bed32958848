/** The balancer has no local port left towards the backend. */
import { decideByGrowth, daemonDrops } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const localPortExhausted: Hypothesis = {
  code: 'local-port-exhausted',
  causes: [19],
  title: 'the balancer has no local port left',
  remedy: 'add locals, or let idle sessions end sooner',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['balancer'],
      measure: daemonDrops('reset-no-local-port', 'drop-no-local-port'),
      compare: 'nothing',
    }),
};
