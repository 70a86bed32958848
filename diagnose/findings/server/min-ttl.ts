/** The listener refuses what comes from further away than its minimal TTL (GTSM). */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const minTtl: Hypothesis = {
  code: 'min-ttl',
  causes: [57],
  title: 'the listener refuses segments with a TTL below its minimum',
  remedy: 'raise the hop limit of the service (IP_MINTTL), or come nearer',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtTCPMinTTLDrop'),
    }),
};
