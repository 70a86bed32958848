/**
 * The IPv6 header (RFC 8200) and the extension headers that may stand before the payload.
 *
 *   0                  4               6             7            8           24
 *   | version, class, flow label | payload length | next header | hop limit | source | destination |
 */
import { viewOf } from './bytes.ts';
import { IPV6_ADDRESS_BYTES, ipv6AddressFromBytes, type Ipv6Address } from './ipv6-address.ts';
import { parsed, unparsed, type Parsed } from './parsed.ts';

export interface Ipv6Header {
  /** Fixed header and extension headers. */
  readonly headerBytes: number;
  /** What the header says; 0 in a jumbogram (RFC 2675). */
  readonly payloadBytes: number;
  readonly hopLimit: number;
  /** Of the payload, after all extension headers. */
  readonly protocol: number;
  /** Any part of a fragmented packet but the first. */
  readonly isLaterFragment: boolean;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
}

export const IPV6_HEADER_BYTES = 40;
export const IPV6_SOURCE_AT = 8;
export const IPV6_DESTINATION_AT = 24;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
/** Offset in units of 8 bytes, above two reserved bits and the more-fragments bit. */
const FRAGMENT_OFFSET_MASK = 0xfff8;

export function parseIpv6(bytes: Uint8Array, at = 0): Parsed<Ipv6Header> {
  if (bytes.length < at + IPV6_HEADER_BYTES) return unparsed('truncated', bytes.length);
  const view = viewOf(bytes);
  if (view.getUint8(at) >>> 4 !== 6) return unparsed('bad-version', at);
  const place = { protocol: 0, payloadAt: 0, isLaterFragment: false };
  if (!passExtensions(view, at, bytes.length, place)) return unparsed('truncated', bytes.length);
  const address = (from: number) =>
    ipv6AddressFromBytes(bytes.subarray(from, from + IPV6_ADDRESS_BYTES));
  return parsed({
    headerBytes: place.payloadAt - at,
    payloadBytes: view.getUint16(at + 4),
    hopLimit: view.getUint8(at + 7),
    protocol: place.protocol,
    isLaterFragment: place.isLaterFragment,
    source: address(at + IPV6_SOURCE_AT),
    destination: address(at + IPV6_DESTINATION_AT),
  });
}

/** Where the extension headers end; false when they do not end before `end`. */
export function passExtensions(
  view: DataView,
  at: number,
  end: number,
  place: { protocol: number; payloadAt: number; isLaterFragment: boolean },
): boolean {
  let next = view.getUint8(at + 6);
  let headerAt = at + IPV6_HEADER_BYTES;
  place.isLaterFragment = false;
  while (isExtension(next)) {
    if (headerAt + 8 > end) return false;
    const units = view.getUint8(headerAt + 1);
    let length = (units + 1) * 8;
    if (next === FRAGMENT) {
      length = 8;
      place.isLaterFragment ||= (view.getUint16(headerAt + 2) & FRAGMENT_OFFSET_MASK) !== 0;
    } else if (next === AUTHENTICATION) length = (units + 2) * 4;
    next = view.getUint8(headerAt);
    headerAt += length;
  }
  place.protocol = next;
  place.payloadAt = headerAt;
  return headerAt <= end;
}

function isExtension(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === AUTHENTICATION ||
    protocol === DESTINATION_OPTIONS
  );
}
