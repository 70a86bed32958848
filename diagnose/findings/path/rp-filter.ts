/** Reverse path filtering: the source is not reachable by the interface the packet came from. */
import { decideByGrowth, counters, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const rpFilter: Hypothesis = {
  code: 'rp-filter',
  causes: [36],
  title:
    'reverse path filtering drops packets that come by another interface than their answer would take',
  remedy: 'set net.ipv4.conf.IFACE.rp_filter=2, or mend the routes',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: counters('TcpExtIPReversePathFilter'),
    }),
};
