/** The server still waits for the FIN of an older connection with the same tuple. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const finWaitTuple: Hypothesis = {
  code: 'fin-wait-tuple',
  causes: [52],
  title: 'the server keeps an older connection with this tuple in FIN_WAIT2',
  remedy: 'lower net.ipv4.tcp_fin_timeout, or give the balancer more source ports',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtTCPACKSkippedFinWait2'),
    }),
};
