/** No backend of the pool is up: health checks fail. */
import { decideByGrowth, daemonDrops } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const noBackend: Hypothesis = {
  code: 'no-backend',
  causes: [18],
  title: 'no backend of the pool is up',
  remedy: 'mend the servers, or what keeps the health checks from reaching them',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['balancer'],
      measure: daemonDrops('reset-no-backend', 'drop-no-backend'),
      compare: 'nothing',
    }),
};
