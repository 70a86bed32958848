/** iperf3: how it is called, and what its report says. */

import { z } from 'zod';

export type IperfReport = { bytes: number; seconds: number; retransmits: number };

export function iperfArgv(host: string, port: number, seconds: number): string[] {
  return ['iperf3', '-J', '-c', host, '-p', String(port), '-t', String(seconds)];
}

const Report = z.object({
  end: z.object({
    sum_sent: z.object({ retransmits: z.number() }),
    sum_received: z.object({ bytes: z.number(), seconds: z.number() }),
  }),
});

/** What the receiver got, and what the sender had to send again. */
export function parseIperf(json: string): IperfReport {
  const parsed: unknown = JSON.parse(json);
  const report = Report.safeParse(parsed);
  if (!report.success) throw new RangeError(`not a report of iperf3: ${json.slice(0, 300)}`);
  const { sum_sent: sent, sum_received: received } = report.data.end;
  return { bytes: received.bytes, seconds: received.seconds, retransmits: sent.retransmits };
}
