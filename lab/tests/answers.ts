/** How long a RST was on its way, as a capture tells. */

import { parseFrame } from '../../packet/parse.ts';
import { readCapture } from '../capture.ts';

/** Milliseconds from each SYN to the RST that answers it, by the kernel's clock. */
export function answerTimesMs(file: string): number[] {
  const sent = new Map<number, bigint>();
  const answers: number[] = [];
  for (const { time, bytes } of readCapture(file)) {
    const found = parseFrame(bytes);
    if (!found.ok || found.value.kind !== 'tcp') continue;
    const { tcp } = found.value;
    if (tcp.flags === 'S') sent.set(tcp.sourcePort, time);
    const syn = sent.get(tcp.destinationPort);
    if (tcp.flags.includes('R') && syn !== undefined) answers.push(Number(time - syn) / 1e6);
  }
  return answers;
}
