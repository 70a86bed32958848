/** The server has an established connection with the same tuple, and challenges the SYN. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const establishedTuple: Hypothesis = {
  code: 'established-tuple',
  causes: [50, 25],
  title: 'the server already has a connection with this tuple, and answers with a challenge ACK',
  remedy: 'find who restores client addresses without looking at direct connections; see collision',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtTCPSYNChallenge', 'TcpExtTCPACKSkippedChallenge'),
    }),
};
