/** Finds the TCP segment that an ICMP error is about: who refuses a connection may say so this way. */
import { ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE } from './icmp.ts';
import { PROTOCOL_TCP } from './ipv4.ts';
import { emptyTransport, inIpv4, inIpv6, locateTransport, type TransportPlace } from './segment.ts';

/** Offsets count from the beginning of the bytes. */
export interface QuotedPlace {
  family: 4 | 6;
  /** Of the error itself: who sent it, to whom. */
  ipAt: number;
  type: number;
  code: number;
  /** Of the packet that it quotes. */
  quotedIpAt: number;
  quotedTcpAt: number;
}

const PROTOCOL_ICMP = 1;
const PROTOCOL_ICMPV6 = 58;
const ICMP_HEADER_BYTES = 8;
/** RFC 792 promises so much: ports and sequence number. */
const QUOTED_LEAST_BYTES = 8;
/** RFC 4443: destination unreachable, packet too big, time exceeded. */
const ICMPV6_ERRORS: readonly number[] = [1, 2, 3];

export function emptyQuoted(): QuotedPlace {
  return { family: 4, ipAt: 0, type: 0, code: 0, quotedIpAt: 0, quotedTcpAt: 0 };
}

/** Fills `place`; false when the packet is no ICMP error about TCP, or too broken or cut to tell. */
export function locateQuotedSegment(
  view: DataView,
  bytes: Uint8Array,
  packet: { readonly at: number; readonly capturedBytes: number; readonly onWireBytes: number },
  linkType: number,
  place: QuotedPlace,
): boolean {
  if (!locateTransport(view, bytes, packet, linkType, OUTER)) return false;
  const { family, at, end, ipEnd } = OUTER;
  const quotedAt = at + ICMP_HEADER_BYTES;
  if (OUTER.protocol !== (family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6) || end < quotedAt)
    return false;
  const type = view.getUint8(at);
  const isError =
    family === 4
      ? type === ICMP_UNREACHABLE || type === ICMP_TIME_EXCEEDED
      : ICMPV6_ERRORS.includes(type);
  if (!isError) return false;
  const inQuoted = family === 4 ? inIpv4 : inIpv6;
  if (!inQuoted(view, quotedAt, Math.min(end, ipEnd), Infinity, INNER)) return false;
  if (INNER.protocol !== PROTOCOL_TCP || INNER.end < INNER.at + QUOTED_LEAST_BYTES) return false;
  place.family = family;
  place.ipAt = OUTER.ipAt;
  place.type = type;
  place.code = view.getUint8(at + 1);
  place.quotedIpAt = INNER.ipAt;
  place.quotedTcpAt = INNER.at;
  return true;
}

/** Filled and read within one call. */
const OUTER: TransportPlace = emptyTransport();
const INNER: TransportPlace = emptyTransport();
