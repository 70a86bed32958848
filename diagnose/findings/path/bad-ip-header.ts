/** The IP header is broken or its time to live ended on the way. */
import { decideByGrowth, counters, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const badIpHeader: Hypothesis = {
  code: 'bad-ip-header',
  causes: [14, 34],
  title: 'IP headers are refused: a wrong checksum, or a TTL that ended',
  remedy: 'look for a routing loop, and at what rewrites packets on the way',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: counters('IpInHdrErrors', 'IpExtInCsumErrors'),
    }),
};
