/** A cloud host allows this machine no more packets, connections or bandwidth. */
import { decideByGrowth, nicCounters, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const hostAllowance: Hypothesis = {
  code: 'host-allowance',
  causes: [10],
  title: 'the cloud host’s allowance for this machine is used up',
  remedy: 'take a larger machine, or spread the load; ethtool -S names the allowance',
  decide: (evidence) =>
    decideByGrowth(evidence, { roles: ON_THE_PATH, measure: nicCounters(/allowance_exceeded/) }),
};
