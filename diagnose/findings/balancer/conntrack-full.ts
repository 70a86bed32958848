/** The connection tracking table is full. */
import { decideByGrowth, conntrackStats, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const conntrackFull: Hypothesis = {
  code: 'conntrack-full',
  causes: [20],
  title: 'the connection tracking table is full',
  remedy: 'raise net.netfilter.nf_conntrack_max, or do not track this traffic',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: conntrackStats('early_drop', 'drop'),
    }),
};
