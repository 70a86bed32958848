/**
 * Frames for tests, correct unless told otherwise, and wrong in exactly the way asked for.
 *
 *   tcp({ from: '10.0.88.100:21521', to: '10.0.23.111:18056', flags: 'S', sequence: 1000,
 *         options: [mss(1460), toa('10.0.88.100:21521')] })
 */
import { endpoint, ipv4Address, port, type Endpoint, type Ipv4Address } from './address.ts';
import { concat, fromLatin1, viewOf } from './bytes.ts';
import { transportChecksum } from './checksum.ts';
import {
  encodeEthernet,
  ETHERTYPE_IPV4,
  macAddress,
  parseEthernet,
  type VlanTag,
} from './ethernet.ts';
import { encodeIcmp, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST } from './icmp.ts';
import { encodeIpv4, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, type Ipv4Fields } from './ipv4.ts';
import type { TcpOption } from './tcp-options.ts';
import { encodeTcp, TCP_CHECKSUM_AT, tcpFlags, type TcpFields } from './tcp.ts';

/** Link-layer and IPv4 fields that every frame has; what is not given is ordinary. */
export interface PacketFields {
  readonly ethernet?: {
    readonly source?: string;
    readonly destination?: string;
    readonly etherType?: number;
    readonly tags?: readonly VlanTag[];
  };
  readonly ttl?: number;
  readonly trafficClass?: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly fragment?: { readonly offsetBytes: number; readonly more: boolean };
  readonly ipOptions?: Uint8Array;
  readonly badChecksum?: 'ipv4' | 'transport' | 'both';
  /** Header fields as they shall stand on the wire, even if they are wrong. */
  readonly ipv4?: Partial<Ipv4Fields>;
  /** Bytes after the IPv4 packet, such as Ethernet's padding. */
  readonly trailer?: Uint8Array;
  /** The frame ends after so many bytes, whatever its headers say. */
  readonly cutTo?: number;
}

export interface TcpPacketFields extends PacketFields {
  readonly from: string | Endpoint;
  readonly to: string | Endpoint;
  /** `S`, `SA`, `A` or `.`, `PA`, `FA`, `R`, … */
  readonly flags: string;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly window?: number;
  readonly urgentPointer?: number;
  readonly options?: readonly TcpOption[];
  readonly payload?: Uint8Array | string;
  /** Header fields as they shall stand on the wire, even if they are wrong. */
  readonly tcp?: Partial<TcpFields>;
}

export interface UdpPacketFields extends PacketFields {
  readonly from: string | Endpoint;
  readonly to: string | Endpoint;
  readonly payload?: Uint8Array | string;
}

export interface HostPacketFields extends PacketFields {
  readonly from: string | Ipv4Address;
  readonly to: string | Ipv4Address;
}

export interface IpPacketFields extends HostPacketFields {
  readonly protocol: number;
  readonly payload?: Uint8Array | string;
}

export interface IcmpErrorFields extends HostPacketFields {
  readonly type: number;
  readonly code: number;
  /** For `ICMP_FRAGMENTATION_NEEDED` the next hop's MTU. */
  readonly parameter?: number;
  /** The frame that the error is about, with its Ethernet header. */
  readonly about: Uint8Array;
  /** Bytes quoted after the IPv4 header; RFC 792 says 8, RFC 1812 as many as 576 allow. */
  readonly quotedBytes?: number;
  /** What follows the quotation, such as extensions (RFC 4884). */
  readonly behindQuote?: Uint8Array;
}

export interface IcmpEchoFields extends HostPacketFields {
  readonly reply?: boolean;
  readonly identifier?: number;
  readonly sequence?: number;
  readonly payload?: Uint8Array | string;
}

/** Locally administered, so that no real card has them. */
const SOURCE_MAC = '02:00:00:00:00:01';
const DESTINATION_MAC = '02:00:00:00:00:02';
/** Linux's defaults: ip_default_ttl, and the window of a SYN with MSS 1460. */
const TTL = 64;
const WINDOW = 64_240;
const RFC792_QUOTED_BYTES = 8;

export function tcp(fields: TcpPacketFields): Uint8Array {
  const [from, to] = [endpointOf(fields.from), endpointOf(fields.to)];
  const header = encodeTcp({
    sourcePort: from.port,
    destinationPort: to.port,
    sequence: fields.sequence ?? 0,
    acknowledgment: fields.acknowledgment ?? 0,
    reserved: 0,
    flags: tcpFlags(fields.flags),
    window: fields.window ?? WINDOW,
    urgentPointer: fields.urgentPointer ?? 0,
    options: fields.options ?? [],
    checksum: 0,
    ...fields.tcp,
  });
  const segment = concat(header, bytesOf(fields.payload));
  if (fields.tcp?.checksum === undefined)
    setChecksum(segment, TCP_CHECKSUM_AT, from.address, to.address, PROTOCOL_TCP);
  return frame(fields, from.address, to.address, PROTOCOL_TCP, segment, TCP_CHECKSUM_AT);
}

export function udp(fields: UdpPacketFields): Uint8Array {
  const [from, to] = [endpointOf(fields.from), endpointOf(fields.to)];
  const datagram = concat(new Uint8Array(8), bytesOf(fields.payload));
  const view = viewOf(datagram);
  view.setUint16(0, from.port);
  view.setUint16(2, to.port);
  view.setUint16(4, datagram.length);
  setChecksum(datagram, 6, from.address, to.address, PROTOCOL_UDP);
  return frame(fields, from.address, to.address, PROTOCOL_UDP, datagram, 6);
}

export function icmpEcho(fields: IcmpEchoFields): Uint8Array {
  const message = encodeIcmp({
    type: fields.reply ? ICMP_ECHO_REPLY : ICMP_ECHO_REQUEST,
    code: 0,
    parameter: (fields.identifier ?? 1) * 0x1_0000 + (fields.sequence ?? 1),
    body: bytesOf(fields.payload),
  });
  return frame(fields, ipv4Address(fields.from), ipv4Address(fields.to), PROTOCOL_ICMP, message, 2);
}

export function icmpError(fields: IcmpErrorFields): Uint8Array {
  const link = parseEthernet(fields.about);
  if (!link.ok) throw new RangeError('the frame that an ICMP error is about must have a header');
  const at = link.value.headerBytes;
  const ipHeaderBytes = ((fields.about[at] ?? 0) & 15) * 4;
  const end = at + ipHeaderBytes + (fields.quotedBytes ?? RFC792_QUOTED_BYTES);
  const message = encodeIcmp({
    type: fields.type,
    code: fields.code,
    parameter: fields.parameter ?? 0,
    body: concat(fields.about.slice(at, end), fields.behindQuote ?? new Uint8Array(0)),
  });
  return frame(fields, ipv4Address(fields.from), ipv4Address(fields.to), PROTOCOL_ICMP, message, 2);
}

/** Any other protocol, the payload as given. */
export function ip(fields: IpPacketFields): Uint8Array {
  const [from, to] = [ipv4Address(fields.from), ipv4Address(fields.to)];
  return frame(fields, from, to, fields.protocol, bytesOf(fields.payload), undefined);
}

/** Any other link-layer protocol: ARP, IPv6, … */
export function ethernet(
  fields: NonNullable<PacketFields['ethernet']>,
  payload: Uint8Array,
): Uint8Array {
  const header = encodeEthernet({
    source: macAddress(fields.source ?? SOURCE_MAC),
    destination: macAddress(fields.destination ?? DESTINATION_MAC),
    tags: fields.tags ?? [],
    etherType: fields.etherType ?? ETHERTYPE_IPV4,
  });
  return concat(header, payload);
}

function frame(
  fields: PacketFields,
  source: Ipv4Address,
  destination: Ipv4Address,
  protocol: number,
  body: Uint8Array,
  checksumAt: number | undefined,
): Uint8Array {
  const { badChecksum } = fields;
  if (checksumAt !== undefined && (badChecksum === 'transport' || badChecksum === 'both'))
    spoil(body, checksumAt);
  const header = encodeIpv4({
    trafficClass: fields.trafficClass ?? 0,
    identification: fields.identification ?? 0,
    reservedFlag: false,
    dontFragment: fields.dontFragment ?? fields.fragment === undefined,
    moreFragments: fields.fragment?.more ?? false,
    fragmentOffsetBytes: fields.fragment?.offsetBytes ?? 0,
    ttl: fields.ttl ?? TTL,
    protocol,
    source,
    destination,
    options: fields.ipOptions ?? new Uint8Array(0),
    payloadBytes: body.length,
    ...fields.ipv4,
  });
  if (badChecksum === 'ipv4' || badChecksum === 'both') spoil(header, 10);
  const whole = concat(header, body, fields.trailer ?? new Uint8Array(0));
  return ethernet(fields.ethernet ?? {}, whole).slice(0, fields.cutTo);
}

function setChecksum(
  segment: Uint8Array,
  at: number,
  source: Ipv4Address,
  destination: Ipv4Address,
  protocol: number,
): void {
  const pseudo = { source, destination, protocol, lengthBytes: segment.length };
  const checksum = transportChecksum(segment, pseudo);
  // RFC 768: a UDP checksum that comes out as zero is sent as all ones.
  const onWire = protocol === PROTOCOL_UDP && checksum === 0 ? 0xffff : checksum;
  viewOf(segment).setUint16(at, onWire);
}

/** One bit other than right, which no value that is also right can have. */
function spoil(bytes: Uint8Array, checksumAt: number): void {
  const view = viewOf(bytes);
  view.setUint16(checksumAt, view.getUint16(checksumAt) ^ 0x0100);
}

function endpointOf(given: string | Endpoint): Endpoint {
  if (typeof given === 'string') return endpoint(given);
  return { address: given.address, port: port(given.port) };
}

function bytesOf(payload: Uint8Array | string | undefined): Uint8Array {
  return typeof payload === 'string' ? fromLatin1(payload) : (payload ?? new Uint8Array(0));
}
