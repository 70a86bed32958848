/** The listener demands TCP-AO. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const tcpAo: Hypothesis = {
  code: 'tcp-ao',
  causes: [56],
  title: 'the listener wants TCP-AO signatures that the SYN does not carry, or wrong ones',
  remedy: 'give both ends the same key, or none',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtTCPAORequired', 'TcpExtTCPAOKeyNotFound', 'TcpExtTCPAOBad'),
    }),
};
