/** The server’s kernel has no memory for TCP. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const badMemory: Hypothesis = {
  code: 'bad-memory',
  causes: [47],
  title: 'the kernel of the server has no memory for new connections',
  remedy: 'look at net.ipv4.tcp_mem and what takes it: ss -s',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['server'],
      measure: counters('TcpExtPFMemallocDrop', 'TcpExtTCPMemoryPressures'),
    }),
};
