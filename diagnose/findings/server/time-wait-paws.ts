/** PAWS: the SYN’s timestamp is older than what the server remembers of the tuple (NATed clients). */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const timeWaitPaws: Hypothesis = {
  code: 'time-wait-paws',
  causes: [49],
  title:
    'clients behind one address have clocks of their own, and the server refuses timestamps that go back',
  remedy: 'behind a NAT, strip or rewrite TCP timestamps, or give the balancer more source ports',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtPAWSTimewait', 'TcpExtPAWSActive', 'TcpExtPAWSEstab'),
    }),
};
