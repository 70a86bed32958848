/**
 * Whether the checksums in a capture are right. On virtual links a packet may
 * travel with its checksum left to a network card that never comes: the field
 * then holds the sum of the pseudo header alone (CHECKSUM_PARTIAL). Programs
 * that rewrite addresses must keep that right too, so it is a state of its own.
 */

import type { CapturedFrame } from '../packet/pcap.ts';
import { foldSum, sumPseudoHeader } from '../packet/checksum.ts';
import { parseFrame, verifyChecksums } from '../packet/parse.ts';
import { printFrame } from '../packet/print.ts';
import { runProgram } from './process.ts';

export type ChecksumCount = {
  good: number;
  /** Left to the card, and right for that. */
  left: number;
  /** One printed line for each wrong packet. */
  bad: string[];
};

/** Counts the IPv4 packets of a capture by the state of their checksums. */
export function countChecksums(frames: readonly CapturedFrame[]): ChecksumCount {
  const count: ChecksumCount = { good: 0, left: 0, bad: [] };
  for (const { bytes } of frames) {
    const found = parseFrame(bytes);
    if (found.ok && found.value.kind === 'not-ipv4') continue;
    const checksums = verifyChecksums(bytes);
    if (!found.ok || !checksums.ok || checksums.value.ipv4 === 'bad') {
      count.bad.push(printFrame(bytes));
    } else if (checksums.value.transport !== 'bad') {
      count.good += 1;
    } else if (isLeftToCard(bytes)) {
      count.left += 1;
    } else {
      count.bad.push(printFrame(bytes));
    }
  }
  return count;
}

/**
 * One line for each packet of a file whose IPv4, TCP or ICMP checksum is wrong
 * in tshark's eyes, for which one that was left to the card is wrong too.
 */
export async function badChecksums(file: string): Promise<string[]> {
  const wrong =
    '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"' +
    ' || icmp.checksum.status == "Bad"';
  const { stdout } = await runProgram([
    ...['tshark', '-n', '-r', file],
    ...['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE', '-Y', wrong],
  ]);
  return stdout.split('\n').filter((line) => line !== '');
}

function isLeftToCard(frame: Uint8Array): boolean {
  const found = parseFrame(frame);
  if (!found.ok || found.value.kind !== 'tcp') return false;
  const { ipv4, tcp } = found.value;
  const pseudo = { ...ipv4, lengthBytes: ipv4.totalBytes - ipv4.headerBytes };
  return tcp.checksum === foldSum(sumPseudoHeader(pseudo));
}
