/** The TCP checksum is wrong at the receiver: a middlebox or a broken offload. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const badTcpChecksum: Hypothesis = {
  code: 'bad-tcp-checksum',
  causes: [35],
  title: 'TCP checksums are wrong when they arrive',
  remedy:
    'look at what rewrites packets on the way (NAT, offload of its NIC): ethtool -K DEV tx off there',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server', 'client'],
      measure: counters('TcpInCsumErrors'),
    }),
};
