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

/**
 * Fills `place`; false when the packet is no TCP, a later fragment, or too broken or cut to tell.
 * `view` holds `bytes`; the packet lies at `at` and has `capturedBytes` of `onWireBytes`.
 */
export function locateSegment(
  view: DataView,
  bytes: Uint8Array,
  packet: { at: number; capturedBytes: number; onWireBytes: number },
  linkType: number,
  place: SegmentPlace,
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

export function segmentFlags(view: DataView, place: SegmentPlace): number {
  return view.getUint8(place.tcpAt + 13);
}

/** The options as far as they were captured. */
export function segmentOptions(bytes: Uint8Array, { tcpAt, payloadAt, end }: SegmentPlace) {
  return bytes.subarray(Math.min(tcpAt + TCP_HEADER_BYTES, end), Math.min(payloadAt, end));
}

function inIpv4(
  view: DataView,
  at: number,
  end: number,
  wireEnd: number,
  place: SegmentPlace,
): boolean {
  if (end < at + IPV4_HEADER_BYTES || view.getUint8(at) >>> 4 !== 4) return false;
  const headerBytes = (view.getUint8(at) & 15) * 4;
  if (headerBytes < IPV4_HEADER_BYTES || view.getUint8(at + 9) !== PROTOCOL_TCP) return false;
  if ((view.getUint16(at + 6) & FRAGMENT_OFFSET_MASK) !== 0) return false;
  // A sender's card cuts large segments itself: before it, the length may still be 0.
  const totalBytes = view.getUint16(at + 2) || wireEnd - at;
  place.family = 4;
  place.ipAt = at;
  return inTcp(view, at + headerBytes, end, Math.min(at + totalBytes, wireEnd), place);
}

function inIpv6(
  view: DataView,
  at: number,
  end: number,
  wireEnd: number,
  place: SegmentPlace,
): boolean {
  if (end < at + IPV6_HEADER_BYTES || view.getUint8(at) >>> 4 !== 6) return false;
  if (!passExtensions(view, at, end, EXTENSIONS)) return false;
  if (EXTENSIONS.protocol !== PROTOCOL_TCP || EXTENSIONS.isLaterFragment) return false;
  const payloadBytes = view.getUint16(at + 4);
  const ipEnd =
    payloadBytes === 0 ? wireEnd : Math.min(at + IPV6_HEADER_BYTES + payloadBytes, wireEnd);
  place.family = 6;
  place.ipAt = at;
  return inTcp(view, EXTENSIONS.payloadAt, end, ipEnd, place);
}

/** Filled and read within one call. */
const EXTENSIONS = { protocol: 0, payloadAt: 0, isLaterFragment: false };

function inTcp(
  view: DataView,
  at: number,
  end: number,
  ipEnd: number,
  place: SegmentPlace,
): boolean {
  if (end < at + SEGMENT_LEAST_BYTES) return false;
  const headerBytes = (view.getUint8(at + 12) >>> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || at + headerBytes > ipEnd) return false;
  place.tcpAt = at;
  place.payloadAt = at + headerBytes;
  place.payloadBytes = ipEnd - place.payloadAt;
  place.end = Math.min(end, ipEnd);
  return true;
}
