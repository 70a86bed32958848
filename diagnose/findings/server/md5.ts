/** The listener demands TCP MD5 signatures. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const md5: Hypothesis = {
  code: 'md5',
  causes: [55],
  title: 'the listener wants TCP MD5 signatures that the SYN does not carry, or wrong ones',
  remedy: 'give both ends the same key, or none',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtTCPMD5NotFound', 'TcpExtTCPMD5Unexpected', 'TcpExtTCPMD5Failure'),
    }),
};
