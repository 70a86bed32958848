/**
 * ICMP errors about translated packets: read, judged, and their quotation put back to
 * what the packet's sender had sent (RFC 5508 section 4).
 *
 *   14           34                    42               62 with no quoted IP options
 *   +------------+---------------------+----------------+----------------------------+
 *   | outer IPv4 | type code checksum  | quoted IPv4,   | quoted TCP: ports, sequence|
 *   |            | parameter (or MTU)  | maybe options  | and often no more than that|
 *   +------------+---------------------+----------------+----------------------------+
 */
import {
  foldSum,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  IPV4_HEADER_BYTES,
  PROTOCOL_ICMP,
  PROTOCOL_TCP,
  sumWords,
  viewOf,
  type Ipv4Address,
} from '../../packet/index.ts';
import { checksumWith, replaced, replaced32 } from './edit.ts';
import type { Flow } from './flow.ts';
import { flowAt, FRAGMENT, FRAGMENT_OFFSET, IP_AT } from './segment.ts';
import type { Direction } from './session.ts';
import { unspliced } from './splice.ts';
import { canHaveSent } from './states.ts';
import type { Verdict } from './words.ts';

export interface IcmpError {
  /** Ours to change. */
  readonly frame: Uint8Array;
  readonly from: Ipv4Address;
  readonly to: Ipv4Address;
  readonly ttl: number;
  readonly ipBytes: number;
  /** The tuple and the number of the packet that it is about, as that left us. */
  readonly quoted: Flow;
  readonly sequence: number;
  /** Where the quoted TCP header begins, and where the message ends. */
  readonly tcpAt: number;
  readonly end: number;
}

/** What becomes of it. */
export interface Undone {
  readonly from: Ipv4Address;
  readonly to: Ipv4Address;
  readonly quoted: Flow;
  readonly sequence: number;
  readonly mtuLessBytes: number;
  readonly ttlLess: 0 | 1;
}

const ICMP_AT = IP_AT + IPV4_HEADER_BYTES;
const QUOTE_AT = ICMP_AT + 8;
/** What RFC 792 promises of the quoted segment: ports and sequence number. */
const QUOTED_TCP_BYTES = 8;
const TCP_CHECKSUM_AT = 16;
/** RFC 5508 REQ-4 and REQ-5 name these; source quench and redirects are for neighbours. */
const TYPES: readonly number[] = [ICMP_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_PARAMETER_PROBLEM];
const ALL_ONES = 0xffff;
/** Every IPv4 link takes this much (RFC 791 section 3.2). */
const MTU_LEAST_BYTES = 68;

/** A whole ICMP error that quotes a TCP segment; undefined for everything else. */
export function readError(received: Uint8Array): IcmpError | undefined {
  const frame = new Uint8Array(received);
  const view = viewOf(frame);
  if (view.getUint8(IP_AT + 9) !== PROTOCOL_ICMP || view.getUint8(IP_AT) !== 0x45) return undefined;
  const ipBytes = view.getUint16(IP_AT + 2);
  const end = IP_AT + ipBytes;
  const isWhole = (view.getUint16(IP_AT + 6) & FRAGMENT) === 0 && end <= frame.length;
  if (!isWhole || end < QUOTE_AT + IPV4_HEADER_BYTES + QUOTED_TCP_BYTES) return undefined;
  if (!TYPES.includes(view.getUint8(ICMP_AT))) return undefined;
  const words = view.getUint8(QUOTE_AT) & 15;
  const tcpAt = QUOTE_AT + words * 4; // RFC 5508 REQ-3b
  if (view.getUint8(QUOTE_AT) >>> 4 !== 4 || words < 5 || tcpAt + QUOTED_TCP_BYTES > end)
    return undefined;
  if (view.getUint8(QUOTE_AT + 9) !== PROTOCOL_TCP) return undefined;
  if (view.getUint16(QUOTE_AT + 6) & FRAGMENT_OFFSET) return undefined;
  const { from, to } = flowAt(view, IP_AT, undefined);
  return {
    ...{ frame, from: from.address, to: to.address, ttl: view.getUint8(IP_AT + 8), ipBytes },
    ...{ quoted: flowAt(view, QUOTE_AT, tcpAt), sequence: view.getUint32(tcpAt + 4), tcpAt, end },
  };
}

/**
 * Whether the error can be believed: it quotes what the session can have sent, and its
 * own checksums are right. Nothing of the session changes (RFC 5508 REQ-6). `sent` is
 * the direction of what is quoted; undefined when it can.
 */
export function judge(error: IcmpError, sent: Direction | undefined): Verdict | undefined {
  // RFC 5927 section 4.1, as far as can be known here: the ends know it exactly.
  if (sent && !canHaveSent(sent, error.sequence)) return 'drop-error-forged';
  const { frame, tcpAt, end } = error;
  const sums = [
    [IP_AT, ICMP_AT],
    [ICMP_AT, end],
    [QUOTE_AT, tcpAt],
  ].map(([from, to]) => foldSum(sumWords(frame.subarray(from, to))));
  return sums.every((sum) => sum === ALL_ONES) ? undefined : 'drop-bad-checksum';
}

/** The quoted sequence number as its sender knows it: the client's may be shifted, the server's spliced. */
export function originalSequence({ sequence }: IcmpError, answer: Direction): number {
  const { shift, splice } = answer.session;
  return answer.side === 'back' ? (sequence - shift.sequence) >>> 0 : unspliced(sequence, splice);
}

/** How much less than the next hop's MTU is told, so that a packet of `lessBytes` more fits. */
export function mtuLess({ frame }: IcmpError, lessBytes: number): number {
  const view = viewOf(frame);
  const isTooBig =
    view.getUint8(ICMP_AT) === ICMP_UNREACHABLE &&
    view.getUint8(ICMP_AT + 1) === ICMP_FRAGMENTATION_NEEDED;
  return isTooBig && view.getUint16(ICMP_AT + 6) >= MTU_LEAST_BYTES + lessBytes ? lessBytes : 0;
}

/** Puts the quotation back, and sends the error on to who sent what it quotes. */
export function undo(error: IcmpError, to: Undone): void {
  const view = viewOf(error.frame);
  const { tcpAt, quoted } = error;
  const addresses =
    replaced32(quoted.from.address, to.quoted.from.address) +
    replaced32(quoted.to.address, to.quoted.to.address);
  const segment =
    replaced(quoted.from.port, to.quoted.from.port) +
    replaced(quoted.to.port, to.quoted.to.port) +
    replaced32(error.sequence, to.sequence);
  writeAddresses(view, QUOTE_AT, to.quoted.from.address, to.quoted.to.address);
  patch(view, QUOTE_AT + 10, addresses);
  view.setUint16(tcpAt, to.quoted.from.port);
  view.setUint16(tcpAt + 2, to.quoted.to.port);
  view.setUint32(tcpAt + 4, to.sequence);
  const quotesChecksum = tcpAt + TCP_CHECKSUM_AT + 2 <= error.end;
  if (quotesChecksum) {
    patch(view, tcpAt + TCP_CHECKSUM_AT, addresses);
    patch(view, tcpAt + TCP_CHECKSUM_AT, segment);
  }
  writeMessage(view, quotesChecksum ? ~foldSum(addresses) & ALL_ONES : segment, to.mtuLessBytes);
  writeOuter(view, error, to);
}

/** `difference` is what the quotation adds to the message's sum now. */
function writeMessage(view: DataView, difference: number, mtuLessBytes: number): void {
  const mtu = view.getUint16(ICMP_AT + 6);
  view.setUint16(ICMP_AT + 6, mtu - mtuLessBytes);
  patch(view, ICMP_AT + 2, difference + replaced(mtu, mtu - mtuLessBytes));
}

function writeOuter(view: DataView, error: IcmpError, { from, to, ttlLess }: Undone): void {
  const ttlWord = view.getUint16(IP_AT + 8);
  view.setUint8(IP_AT + 8, error.ttl - ttlLess);
  writeAddresses(view, IP_AT, from, to);
  patch(
    view,
    IP_AT + 10,
    replaced(ttlWord, view.getUint16(IP_AT + 8)) +
      replaced32(error.from, from) +
      replaced32(error.to, to),
  );
}

function writeAddresses(view: DataView, at: number, from: Ipv4Address, to: Ipv4Address): void {
  view.setUint32(at + 12, from);
  view.setUint32(at + 16, to);
}

function patch(view: DataView, checksumAt: number, difference: number): void {
  view.setUint16(checksumAt, checksumWith(view.getUint16(checksumAt), difference));
}
