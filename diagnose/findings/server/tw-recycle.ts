/** tcp_tw_recycle refuses clients behind one NAT by their timestamps (kernels before 4.12). */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const twRecycle: Hypothesis = {
  code: 'tw-recycle',
  causes: [53],
  title: 'tcp_tw_recycle refuses clients behind a NAT',
  remedy: 'set net.ipv4.tcp_tw_recycle=0',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtPAWSPassive'),
    }),
};
