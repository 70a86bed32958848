/** What a frame is, found out once and with every length checked. */
import {
  ETHERTYPE_IPV4,
  foldSum,
  IPV4_HEADER_BYTES,
  PROTOCOL_TCP,
  sumWords,
  TCP_HEADER_BYTES,
  viewOf,
  type Endpoint,
  type Ipv4Address,
  type Port,
} from '../../packet/index.ts';
import type { Flow } from './flow.ts';
import type { Ticks } from './world.ts';

/** A TCP segment that can be translated, and the frame that it is in. */
export interface Segment {
  /** Ours to change; what follows describes it, but `flow` stays as received. */
  frame: Uint8Array;
  readonly flow: Flow;
  readonly now: Ticks;
  /** As received; of a spliced session of the server's, as the client knows it. */
  sequence: number;
  readonly acknowledgment: number;
  readonly ttl: number;
  flags: number;
  /** IPv4 header, TCP header and payload. */
  ipBytes: number;
  tcpHeaderBytes: number;
  /** Of a packet that is too big for it. */
  nextHopMtuBytes: number;
}

export type Received =
  | { readonly kind: 'tcp'; readonly segment: Segment }
  | { readonly kind: 'not-ipv4' }
  /** Ports are 0 where the frame has none. */
  | { readonly kind: Oddity; readonly flow: Flow };
/** What cannot be translated. */
export type Oddity =
  'not-tcp' | 'later-fragment' | 'malformed' | 'ip-options' | 'first-fragment' | 'bad-checksum';

export const IP_AT = 14;
/** IP options are refused, so the TCP header is always here. */
export const TCP_AT = IP_AT + IPV4_HEADER_BYTES;
export const OPTIONS_AT = TCP_AT + TCP_HEADER_BYTES;

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const ACK = 0x10;

const TYPE_AT = 12;
const PORTS_BYTES = 4;
const MORE_FRAGMENTS = 0x2000;
export const FRAGMENT_OFFSET = 0x1fff;
/** Set in a part of a packet. */
export const FRAGMENT = MORE_FRAGMENTS | FRAGMENT_OFFSET;

/** Reads a frame of at least both Ethernet's and IPv4's header; `received` stays as it is. */
export function receive(received: Uint8Array, now: Ticks): Received {
  const frame = new Uint8Array(received);
  const view = viewOf(frame);
  // A tagged frame belongs to the VLAN's own interface.
  if (view.getUint16(TYPE_AT) !== ETHERTYPE_IPV4) return { kind: 'not-ipv4' };
  const [version, headerWords] = [view.getUint8(IP_AT) >>> 4, view.getUint8(IP_AT) & 15];
  if (version !== 4) return { kind: 'not-ipv4' };
  const odd = (kind: Oddity, portsAt?: number): Received => ({ kind, flow: flowOf(view, portsAt) });
  const fragment = view.getUint16(IP_AT + 6);

  if (view.getUint8(IP_AT + 9) !== PROTOCOL_TCP) return odd('not-tcp');
  if (fragment & FRAGMENT_OFFSET) return odd('later-fragment');
  if (headerWords < 5) return odd('malformed');
  if (headerWords > 5) return odd('ip-options', IP_AT + headerWords * 4);
  if (frame.length < OPTIONS_AT) return odd('malformed', TCP_AT);
  if (fragment & MORE_FRAGMENTS) return odd('first-fragment', TCP_AT);
  if (foldSum(sumWords(frame.subarray(IP_AT, TCP_AT))) !== 0xffff)
    return odd('bad-checksum', TCP_AT);

  const ipBytes = view.getUint16(IP_AT + 2);
  const tcpHeaderBytes = (view.getUint8(TCP_AT + 12) >>> 4) * 4;
  if (
    tcpHeaderBytes < TCP_HEADER_BYTES ||
    ipBytes < IPV4_HEADER_BYTES + tcpHeaderBytes ||
    frame.length < IP_AT + ipBytes
  )
    return odd('malformed', TCP_AT);
  const segment: Segment = {
    frame,
    flow: flowOf(view, TCP_AT),
    now,
    sequence: view.getUint32(TCP_AT + 4),
    acknowledgment: view.getUint32(TCP_AT + 8),
    ttl: view.getUint8(IP_AT + 8),
    flags: view.getUint8(TCP_AT + 13),
    ipBytes,
    tcpHeaderBytes,
    nextHopMtuBytes: 0,
  };
  return { kind: 'tcp', segment };
}

/** True for a SYN that opens a connection; with FIN or RST it opens none. */
export function isOpeningSyn({ flags }: Segment): boolean {
  return (flags & (SYN | ACK | RST | FIN)) === SYN;
}

export function payloadBytes({ ipBytes, tcpHeaderBytes }: Segment): number {
  return ipBytes - IPV4_HEADER_BYTES - tcpHeaderBytes;
}

function flowOf(view: DataView, portsAt: number | undefined): Flow {
  return flowAt(view, IP_AT, portsAt);
}

/** Of the IPv4 header at `at`; ports are 0 where there are none. */
export function flowAt(view: DataView, at: number, portsAt: number | undefined): Flow {
  const hasPorts = portsAt !== undefined && view.byteLength >= portsAt + PORTS_BYTES;
  return {
    from: endpointAt(view, at + 12, hasPorts ? portsAt : undefined),
    to: endpointAt(view, at + 16, hasPorts ? portsAt + 2 : undefined),
  };
}

function endpointAt(view: DataView, addressAt: number, portAt: number | undefined): Endpoint {
  return {
    address: view.getUint32(addressAt) as Ipv4Address,
    port: (portAt === undefined ? 0 : view.getUint16(portAt)) as Port,
  };
}
