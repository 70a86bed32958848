/** The NIC or its driver dropped packets before the kernel saw them. */
import { decideByGrowth, nicCounters, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const nicRing: Hypothesis = {
  code: 'nic-ring',
  causes: [28],
  title: 'a NIC dropped packets before the kernel saw them',
  remedy: 'enlarge its rings (ethtool -G), spread its interrupts',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: nicCounters(/missed|no_?buf|fifo|over_errors|discard/),
    }),
};
