/** The per-CPU backlog of the receiving kernel overflowed. */
import { decideByGrowth, softnetDrops, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const softnetBacklog: Hypothesis = {
  code: 'softnet-backlog',
  causes: [30],
  title: 'a kernel had no room in its per-CPU backlog',
  remedy: 'raise net.core.netdev_max_backlog, and spread the load over CPUs',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: softnetDrops(),
    }),
};
