/**
 * ICMP (RFC 792); errors are read through to the packet that they quote.
 *
 *   0      1      2          4                                  8
 *   | type | code | checksum | next-hop MTU, pointer, id, … | quoted packet or data …
 */
import { port, type Port } from './address.ts';
import { concat, viewOf } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import { parseIpv4, PROTOCOL_TCP, PROTOCOL_UDP, type Ipv4Header } from './ipv4.ts';
import { parsed, unparsed, type Parsed } from './parsed.ts';

interface IcmpHeader {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** Bytes 4..7: their meaning depends on the type. */
  readonly parameter: number;
  /** What follows byte 8, as it is on the wire. */
  readonly body: Uint8Array;
}

/** An error quotes the packet that it is about; the quotation may itself be damaged. */
export type IcmpMessage =
  | ({ readonly kind: 'error'; readonly quoted: Parsed<QuotedPacket> } & IcmpHeader)
  | ({ readonly kind: 'other' } & IcmpHeader);

/** RFC 792 promises no more than 8 bytes after the quoted IPv4 header: ports and sequence number. */
export interface QuotedPacket {
  readonly ipv4: Ipv4Header;
  readonly sourcePort: Port | undefined;
  readonly destinationPort: Port | undefined;
  readonly sequence: number | undefined;
  readonly transport: Uint8Array;
}

export interface IcmpFields extends Omit<IcmpHeader, 'checksum'> {
  readonly checksum?: number;
}

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;
/** Code of `ICMP_UNREACHABLE`; the next hop's MTU is the low half of `parameter` (RFC 1191). */
export const ICMP_FRAGMENTATION_NEEDED = 4;

const ICMP_HEADER_BYTES = 8;
const ERROR_TYPES: readonly number[] = [
  ICMP_UNREACHABLE,
  ICMP_SOURCE_QUENCH,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_PARAMETER_PROBLEM,
];

/** The message is all of `bytes` from `at` on. */
export function parseIcmp(bytes: Uint8Array, at = 0): Parsed<IcmpMessage> {
  if (bytes.length < at + ICMP_HEADER_BYTES) return unparsed('truncated', bytes.length);
  const view = viewOf(bytes);
  const header: IcmpHeader = {
    type: view.getUint8(at),
    code: view.getUint8(at + 1),
    checksum: view.getUint16(at + 2),
    parameter: view.getUint32(at + 4),
    body: bytes.slice(at + ICMP_HEADER_BYTES),
  };
  if (!ERROR_TYPES.includes(header.type)) return parsed({ kind: 'other', ...header });
  return parsed({ kind: 'error', ...header, quoted: parseQuoted(bytes, at + ICMP_HEADER_BYTES) });
}

export function encodeIcmp(fields: IcmpFields): Uint8Array {
  const bytes = concat(new Uint8Array(ICMP_HEADER_BYTES), fields.body);
  const view = viewOf(bytes);
  view.setUint8(0, fields.type);
  view.setUint8(1, fields.code);
  view.setUint32(4, fields.parameter);
  view.setUint16(2, fields.checksum ?? internetChecksum(bytes));
  return bytes;
}

/** A quotation is cut, so its total length says what was sent and not what is here. */
function parseQuoted(bytes: Uint8Array, at: number): Parsed<QuotedPacket> {
  const ipv4 = parseIpv4(bytes, at, Infinity);
  if (!ipv4.ok) return ipv4;
  const end = Math.min(bytes.length, at + ipv4.value.totalBytes);
  const transport = bytes.slice(at + ipv4.value.headerBytes, end);
  const view = viewOf(transport);
  const { protocol, fragmentOffsetBytes } = ipv4.value;
  const first = fragmentOffsetBytes === 0;
  const hasPorts = first && (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP);
  return parsed({
    ipv4: ipv4.value,
    sourcePort: hasPorts && transport.length >= 2 ? port(view.getUint16(0)) : undefined,
    destinationPort: hasPorts && transport.length >= 4 ? port(view.getUint16(2)) : undefined,
    sequence:
      first && protocol === PROTOCOL_TCP && transport.length >= 8 ? view.getUint32(4) : undefined,
    transport,
  });
}
