/**
 * What stands before the IP packet in a capture: an Ethernet header, Linux's "cooked" one of
 * captures on `-i any` (version 1: 16 bytes, version 2: 20 bytes), a loopback's, or nothing.
 *
 *   v1  | packet type 2 | ARP type 2 | length 2 | address 8 | protocol 2 |
 *   v2  | protocol 2 | 0 2 | interface 4 | ARP type 2 | packet type 1 | length 1 | address 8 |
 */
import { viewOf } from './bytes.ts';
import {
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_SERVICE_VLAN,
  ETHERTYPE_VLAN,
  parseEthernet,
  type EthernetHeader,
} from './ethernet.ts';
import { parseIpv4Packet, type Ipv4Packet, type NotIpv4 } from './parse.ts';
import { parsed, unparsed, type Parsed } from './parsed.ts';

export interface CookedHeader {
  readonly kind: 'cooked';
  readonly direction: CookedDirection;
  /** Version 1 does not have it. */
  readonly interfaceIndex: number | undefined;
  readonly etherType: number;
  readonly headerBytes: number;
}

export type CookedDirection =
  'to-us' | 'broadcast' | 'multicast' | 'to-other' | 'from-us' | 'unknown';

export interface NoHeader {
  readonly kind: 'raw';
  readonly etherType: number;
  readonly headerBytes: 0;
}

/** Four bytes that name the address family, on the loopback interfaces of BSDs and macOS. */
export interface LoopbackHeader {
  readonly kind: 'loopback';
  readonly etherType: number;
  readonly headerBytes: 4;
}

export type LinkHeader = EthernetHeader | CookedHeader | NoHeader | LoopbackHeader;

export type CapturedPacket = (Ipv4Packet | NotIpv4) & { readonly link: LinkHeader };

/** Numbers of the tcpdump.org registry; 12 and 14 are raw IP in files of some BSDs. */
export const LINK_ETHERNET = 1;
export const LINK_RAW = 101;
export const LINK_IPV4 = 228;
export const LINK_IPV6 = 229;
/** The family is in the byte order of the capturing machine (null) or the network's (loop). */
export const LINK_NULL = 0;
export const LINK_LOOP = 108;
export const LINK_COOKED = 113;
export const LINK_COOKED2 = 276;
const LINK_RAW_BSD: readonly number[] = [12, 14];

/** AF_INET everywhere; AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS. */
const FAMILY_IPV4 = 2;
const FAMILIES_IPV6: readonly number[] = [10, 24, 28, 30];
const LOOPBACK_BYTES = 4;

const COOKED_BYTES = 16;
const COOKED2_BYTES = 20;
const VLAN_TAG_BYTES = 4;

/** By packet type, `sll_pkttype` of packet(7). */
const DIRECTIONS = ['to-us', 'broadcast', 'multicast', 'to-other', 'from-us'] as const;

/** `bad-type` at 0: a link type that is not among the above. */
export function parseCaptured(
  bytes: Uint8Array,
  linkType: number,
  onWireBytes: number = bytes.length,
): Parsed<CapturedPacket> {
  const header = parseLink(bytes, linkType);
  if (!header.ok) return header;
  const link = header.value;
  if (link.etherType !== ETHERTYPE_IPV4) {
    const payload = bytes.slice(link.headerBytes);
    return parsed({ kind: 'not-ipv4', link, etherType: link.etherType, payload });
  }
  const packet = parseIpv4Packet(bytes, link.headerBytes, onWireBytes);
  return packet.ok ? parsed({ ...packet.value, link }) : packet;
}

export function parseLink(bytes: Uint8Array, linkType: number): Parsed<LinkHeader> {
  if (LINK_RAW_BSD.includes(linkType)) return parseRaw(bytes);
  switch (linkType) {
    case LINK_ETHERNET:
      return parseEthernet(bytes);
    case LINK_COOKED:
      return parseCooked(bytes);
    case LINK_COOKED2:
      return parseCooked2(bytes);
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
      return parseRaw(bytes);
    case LINK_NULL:
    case LINK_LOOP:
      return parseLoopback(bytes);
    default:
      return unparsed('bad-type', 0);
  }
}

function parseCooked(bytes: Uint8Array): Parsed<CookedHeader> {
  if (bytes.length < COOKED_BYTES) return unparsed('truncated', bytes.length);
  const view = viewOf(bytes);
  const direction = DIRECTIONS[view.getUint16(0)] ?? 'unknown';
  return afterTags(view, COOKED_BYTES, view.getUint16(14), {
    direction,
    interfaceIndex: undefined,
  });
}

function parseCooked2(bytes: Uint8Array): Parsed<CookedHeader> {
  if (bytes.length < COOKED2_BYTES) return unparsed('truncated', bytes.length);
  const view = viewOf(bytes);
  const direction = DIRECTIONS[view.getUint8(10)] ?? 'unknown';
  const interfaceIndex = view.getUint32(4);
  return afterTags(view, COOKED2_BYTES, view.getUint16(0), { direction, interfaceIndex });
}

/** A cooked header has no room for VLAN tags: they follow it, each with the type of what is next. */
function afterTags(
  view: DataView,
  fixedBytes: number,
  protocol: number,
  known: Pick<CookedHeader, 'direction' | 'interfaceIndex'>,
): Parsed<CookedHeader> {
  let [headerBytes, etherType] = [fixedBytes, protocol];
  while (etherType === ETHERTYPE_VLAN || etherType === ETHERTYPE_SERVICE_VLAN) {
    if (view.byteLength < headerBytes + VLAN_TAG_BYTES)
      return unparsed('truncated', view.byteLength);
    etherType = view.getUint16(headerBytes + 2);
    headerBytes += VLAN_TAG_BYTES;
  }
  return parsed({ kind: 'cooked', ...known, etherType, headerBytes });
}

function parseRaw(bytes: Uint8Array): Parsed<NoHeader> {
  const first = bytes[0];
  if (first === undefined) return unparsed('truncated', 0);
  const version = first >>> 4;
  if (version !== 4 && version !== 6) return unparsed('bad-version', 0);
  const etherType = version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
  return parsed({ kind: 'raw', etherType, headerBytes: 0 });
}

function parseLoopback(bytes: Uint8Array): Parsed<LoopbackHeader> {
  if (bytes.length < LOOPBACK_BYTES) return unparsed('truncated', bytes.length);
  const view = viewOf(bytes);
  // A file does not tell its machine's byte order, and families are small: the small one is meant.
  const family = Math.min(view.getUint32(0), view.getUint32(0, true));
  const kind = 'loopback';
  if (family === FAMILY_IPV4)
    return parsed({ kind, etherType: ETHERTYPE_IPV4, headerBytes: LOOPBACK_BYTES });
  return FAMILIES_IPV6.includes(family)
    ? parsed({ kind, etherType: ETHERTYPE_IPV6, headerBytes: LOOPBACK_BYTES })
    : unparsed('bad-type', 0);
}
