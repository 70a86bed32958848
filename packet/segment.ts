/**
 * Finds the TCP segment in a captured packet and reads what identifies it, without making an
 * object of every layer: a trace looks at millions of packets and keeps few.
 */
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './ethernet.ts';
import { IPV4_HEADER_BYTES, PROTOCOL_TCP } from './ipv4.ts';
import { IPV6_HEADER_BYTES, passExtensions } from './ipv6.ts';
import { LINK_ETHERNET, parseLink } from './link.ts';
import { TCP_HEADER_BYTES } from './tcp.ts';

/** Offsets count from the beginning of `view`. */
export interface SegmentPlace {
  family: 4 | 6;
  ipAt: number;
  tcpAt: number;
  payloadAt: number;
  /** On the wire: a capture may have cut them. */
  payloadBytes: number;
  /** Where the captured bytes of the IP packet end. */
  end: number;
}

/** What an IP packet carries: where it begins, and where the captured and the sent bytes end. */
export interface TransportPlace {
  family: 4 | 6;
  ipAt: number;
  protocol: number;
  at: number;
  end: number;
  ipEnd: number;
}

interface PacketPlace {
  readonly at: number;
  readonly capturedBytes: number;
  readonly onWireBytes: number;
}

export const FLAG_FIN = 0x01;
export const FLAG_SYN = 0x02;
export const FLAG_RST = 0x04;
export const FLAG_ACK = 0x10;

/** Ports, numbers and flags: without them a segment says nothing. */
const SEGMENT_LEAST_BYTES = 14;
const ETHERNET_HEADER_BYTES = 14;
const FRAGMENT_OFFSET_MASK = 0x1fff;

export function emptyPlace(): SegmentPlace {
  return { family: 4, ipAt: 0, tcpAt: 0, payloadAt: 0, payloadBytes: 0, end: 0 };
}

export function emptyTransport(): TransportPlace {
  return { family: 4, ipAt: 0, protocol: 0, at: 0, end: 0, ipEnd: 0 };
}

/**
 * Fills `place`; false when the packet is no TCP, a later fragment, or too broken or cut to tell.
 * `view` holds `bytes`; the packet lies at `at` and has `capturedBytes` of `onWireBytes`.
 */
export function locateSegment(
  view: DataView,
  bytes: Uint8Array,
  packet: PacketPlace,
  linkType: number,
  place: SegmentPlace,
): boolean {
  return (
    locateTransport(view, bytes, packet, linkType, TRANSPORT) &&
    TRANSPORT.protocol === PROTOCOL_TCP &&
    inTcp(view, TRANSPORT, place)
  );
}

export function segmentFlags(view: DataView, place: SegmentPlace): number {
  return view.getUint8(place.tcpAt + 13);
}

/** The options as far as they were captured. */
export function segmentOptions(bytes: Uint8Array, { tcpAt, payloadAt, end }: SegmentPlace) {
  return bytes.subarray(Math.min(tcpAt + TCP_HEADER_BYTES, end), Math.min(payloadAt, end));
}

/** Fills `place` with what an IP packet carries; false for a later fragment, and for no IP. */
export function locateTransport(
  view: DataView,
  bytes: Uint8Array,
  packet: PacketPlace,
  linkType: number,
  place: TransportPlace,
): boolean {
  const { at, capturedBytes } = packet;
  const end = at + capturedBytes;
  let etherType = 0;
  let ipAt = 0;
  if (linkType === LINK_ETHERNET && capturedBytes >= ETHERNET_HEADER_BYTES) {
    etherType = view.getUint16(at + 12);
    ipAt = at + ETHERNET_HEADER_BYTES;
  }
  if (etherType !== ETHERTYPE_IPV4) {
    const link = parseLink(bytes.subarray(at, end), linkType);
    if (!link.ok) return false;
    etherType = link.value.etherType;
    ipAt = at + link.value.headerBytes;
  }
  const wireEnd = at + packet.onWireBytes;
  if (etherType === ETHERTYPE_IPV4) return inIpv4(view, ipAt, end, wireEnd, place);
  return etherType === ETHERTYPE_IPV6 && inIpv6(view, ipAt, end, wireEnd, place);
}

/** The IPv4 packet at `at`, as it is or as an ICMP error quotes it: cut, and its length not. */
export function inIpv4(
  view: DataView,
  at: number,
  end: number,
  wireEnd: number,
  place: TransportPlace,
): boolean {
  if (end < at + IPV4_HEADER_BYTES || view.getUint8(at) >>> 4 !== 4) return false;
  const headerBytes = (view.getUint8(at) & 15) * 4;
  if (headerBytes < IPV4_HEADER_BYTES) return false;
  if ((view.getUint16(at + 6) & FRAGMENT_OFFSET_MASK) !== 0) return false;
  // A sender's card cuts large segments itself: before it, the length may still be 0.
  const totalBytes = view.getUint16(at + 2) || wireEnd - at;
  place.family = 4;
  place.ipAt = at;
  place.protocol = view.getUint8(at + 9);
  place.at = at + headerBytes;
  place.end = end;
  place.ipEnd = Math.min(at + totalBytes, wireEnd);
  return true;
}

export function inIpv6(
  view: DataView,
  at: number,
  end: number,
  wireEnd: number,
  place: TransportPlace,
): boolean {
  if (end < at + IPV6_HEADER_BYTES || view.getUint8(at) >>> 4 !== 6) return false;
  if (!passExtensions(view, at, end, EXTENSIONS) || EXTENSIONS.isLaterFragment) return false;
  const payloadBytes = view.getUint16(at + 4);
  place.family = 6;
  place.ipAt = at;
  place.protocol = EXTENSIONS.protocol;
  place.at = EXTENSIONS.payloadAt;
  place.end = end;
  place.ipEnd =
    payloadBytes === 0 ? wireEnd : Math.min(at + IPV6_HEADER_BYTES + payloadBytes, wireEnd);
  return true;
}

/** Filled and read within one call. */
const EXTENSIONS = { protocol: 0, payloadAt: 0, isLaterFragment: false };
const TRANSPORT: TransportPlace = emptyTransport();

function inTcp(view: DataView, packet: TransportPlace, place: SegmentPlace): boolean {
  const { at, end, ipEnd } = packet;
  if (end < at + SEGMENT_LEAST_BYTES) return false;
  const headerBytes = (view.getUint8(at + 12) >>> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || at + headerBytes > ipEnd) return false;
  place.family = packet.family;
  place.ipAt = packet.ipAt;
  place.tcpAt = at;
  place.payloadAt = at + headerBytes;
  place.payloadBytes = ipEnd - place.payloadAt;
  place.end = Math.min(end, ipEnd);
  return true;
}
