/** The server has a half-open connection with the same tuple and another sequence number. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const halfOpenTuple: Hypothesis = {
  code: 'half-open-tuple',
  causes: [51],
  title: 'the server has a half-open connection with this tuple',
  remedy: 'see collision: two connections reach the server with one tuple',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtTCPACKSkippedSynRecv'),
    }),
};
