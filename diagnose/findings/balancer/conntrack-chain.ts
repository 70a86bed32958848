/** A bucket of the connection tracking table is too long. */
import { decideByGrowth, conntrackStats, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const conntrackChain: Hypothesis = {
  code: 'conntrack-chain',
  causes: [22],
  title: 'a chain of the connection tracking table is too long',
  remedy: 'enlarge the table’s hash: nf_conntrack_buckets',
  decide: (evidence) =>
    decideByGrowth(evidence, { roles: ON_THE_PATH, measure: conntrackStats('chainlength') }),
};
