/** The server holds the tuple in TIME_WAIT and answers a SYN that looks old with a bare ACK. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const timeWaitAnswer: Hypothesis = {
  code: 'time-wait-answer',
  causes: [48],
  title: 'the server still has this tuple in TIME_WAIT, and takes the SYN for an old one',
  remedy:
    'behind a NAT, give the servers more source ports, or a balancer that shifts timestamps; do not shorten TIME_WAIT',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtTCPACKSkippedTimeWait'),
    }),
};
