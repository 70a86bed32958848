/**
 * The TCP header (RFC 9293 section 3.1).
 *
 *    0               1               2               3
 *   +-------------------------------+-------------------------------+
 *  0| source port                   | destination port              |
 *  4| sequence number                                               |
 *  8| acknowledgment number                                         |
 *   +-------+-------+---------------+-------------------------------+
 * 12| words |  0    |W E U A P R S F| window                        |
 *   +-------+-------+---------------+-------------------------------+
 * 16| checksum                      | urgent pointer                |
 * 20| options, up to 40 bytes …                                     |
 */
import { port, type Port } from './address.ts';
import { concat, viewOf } from './bytes.ts';
import { parsed, unparsed, type Parsed } from './parsed.ts';
import {
  encodeTcpOptions,
  parseTcpOptions,
  TCP_OPTIONS_MAX_BYTES,
  type TcpOption,
} from './tcp-options.ts';
import type { Unit } from './unit.ts';

/** Letters out of `FSRPAUEW`, in that order: `S`, `SA`, `FA`, `PA`, or none. */
export type TcpFlags = Unit<string, 'TcpFlags'>;
export type TcpFlag = (typeof FLAG_LETTERS)[number];

export interface TcpHeader {
  readonly sourcePort: Port;
  readonly destinationPort: Port;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly headerBytes: number;
  readonly reserved: number;
  readonly flags: TcpFlags;
  readonly window: number;
  readonly checksum: number;
  readonly urgentPointer: number;
  readonly options: readonly TcpOption[];
}

/** What a header is built from; `headerWords` is computed unless given, the checksum needs the packet. */
export interface TcpFields extends Omit<TcpHeader, 'headerBytes'> {
  readonly headerWords?: number;
}

export const TCP_HEADER_BYTES = 20;
export const TCP_CHECKSUM_AT = 16;

/** From the lowest bit: FIN SYN RST PSH ACK URG ECE CWR. */
const FLAG_LETTERS = ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'W'] as const;

/** The segment is all of `bytes` from `at` on; where a capture cut it, options may be cut with it. */
export function parseTcp(bytes: Uint8Array, at = 0): Parsed<TcpHeader> {
  if (bytes.length < at + TCP_HEADER_BYTES) return unparsed('truncated', bytes.length);
  const view = viewOf(bytes);
  const headerBytes = (view.getUint8(at + 12) >>> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES) return unparsed('bad-length', at + 12);
  if (bytes.length < at + headerBytes) return unparsed('truncated', bytes.length);
  return parsed({
    sourcePort: port(view.getUint16(at)),
    destinationPort: port(view.getUint16(at + 2)),
    sequence: view.getUint32(at + 4),
    acknowledgment: view.getUint32(at + 8),
    headerBytes,
    reserved: view.getUint8(at + 12) & 15,
    flags: tcpFlagsFromBits(view.getUint8(at + 13)),
    window: view.getUint16(at + 14),
    checksum: view.getUint16(at + TCP_CHECKSUM_AT),
    urgentPointer: view.getUint16(at + 18),
    options: parseTcpOptions(bytes.subarray(at + TCP_HEADER_BYTES, at + headerBytes)),
  });
}

/** Options are filled up with NOPs to a multiple of four bytes. */
export function encodeTcp(fields: TcpFields): Uint8Array {
  const options = encodeTcpOptions(fields.options);
  if (options.length > TCP_OPTIONS_MAX_BYTES)
    throw new RangeError(`TCP options must fit 40 bytes, got ${options.length}`);
  const padding = new Uint8Array(-options.length & 3).fill(1);
  const bytes = concat(new Uint8Array(TCP_HEADER_BYTES), options, padding);
  const view = viewOf(bytes);
  view.setUint16(0, fields.sourcePort);
  view.setUint16(2, fields.destinationPort);
  view.setUint32(4, fields.sequence);
  view.setUint32(8, fields.acknowledgment);
  view.setUint8(12, ((fields.headerWords ?? bytes.length / 4) << 4) | fields.reserved);
  view.setUint8(13, tcpFlagBits(fields.flags));
  view.setUint16(14, fields.window);
  view.setUint16(TCP_CHECKSUM_AT, fields.checksum);
  view.setUint16(18, fields.urgentPointer);
  return bytes;
}

/** Letters in any order, `.` for A as tcpdump writes it: `tcpFlags('S.')` is `SA`. */
export function tcpFlags(text: string): TcpFlags {
  let bits = 0;
  for (const letter of text.replace('.', 'A')) {
    const bit = (FLAG_LETTERS as readonly string[]).indexOf(letter);
    if (bit < 0)
      throw new RangeError(`TCP flags are letters out of ${FLAG_LETTERS.join('')}, got '${text}'`);
    bits |= 1 << bit;
  }
  return tcpFlagsFromBits(bits);
}

export function tcpFlagsFromBits(bits: number): TcpFlags {
  return FLAG_LETTERS.filter((_, bit) => (bits & (1 << bit)) !== 0).join('') as TcpFlags;
}

export function tcpFlagBits(flags: TcpFlags): number {
  return FLAG_LETTERS.reduce((bits, letter, i) => bits | (flags.includes(letter) ? 1 << i : 0), 0);
}

export function hasFlag(header: TcpHeader, flag: TcpFlag): boolean {
  return header.flags.includes(flag);
}
