/** Segments of a handshake that are ours, all of one size: what one does not say is NOPs. */
import {
  concat,
  encodeIpv4,
  encodeTcp,
  mss,
  nop,
  PROTOCOL_TCP,
  sackPermitted,
  TCP_CHECKSUM_AT,
  tcpFlags,
  timestamps,
  transportChecksum,
  viewOf,
  windowScale,
  type TcpOption,
} from '../../packet/index.ts';
import type { Flow } from './flow.ts';
import { walkOptions } from './options.ts';
import { IP_AT, type Segment } from './segment.ts';

/** What the options of a SYN or SYN+ACK say. */
export interface HandshakeOptions {
  readonly mssBytes: number | undefined;
  readonly scale: number | undefined;
  readonly sack: boolean;
  readonly times: { readonly value: number; readonly echo: number } | undefined;
}
export interface Handshake {
  readonly flow: Flow;
  readonly flags: 'S' | 'SA' | 'A';
  readonly sequence: number;
  readonly acknowledgment: number;
  /** As it is in the header. */
  readonly window: number;
  readonly ttl: number;
  /** Leaves for the link-layer address that the segment came from. */
  readonly goesBack: boolean;
  readonly options: HandshakeOptions;
}

const MAC_BYTES = 6;
const MSS = 2;
const SCALE = 3;
const SACK_OK = 4;
const TIMESTAMPS = 8;
/** RFC 7323 section 2.3. */
const SCALE_MAX = 14;

export function readHandshake(segment: Segment): HandshakeOptions {
  const view = viewOf(segment.frame);
  let options: HandshakeOptions = {
    mssBytes: undefined,
    scale: undefined,
    sack: false,
    times: undefined,
  };
  for (const { number, at, lengthBytes } of walkOptions(segment)) {
    if (number === MSS && lengthBytes === 4)
      options = { ...options, mssBytes: view.getUint16(at + 2) };
    if (number === SCALE && lengthBytes === 3)
      options = { ...options, scale: Math.min(view.getUint8(at + 2), SCALE_MAX) };
    if (number === SACK_OK && lengthBytes === 2) options = { ...options, sack: true };
    if (number === TIMESTAMPS && lengthBytes === 10)
      options = {
        ...options,
        times: { value: view.getUint32(at + 2), echo: view.getUint32(at + 6) },
      };
  }
  return options;
}

/** The frame that `segment` becomes. */
export function handshakeFrame({ frame }: Segment, handshake: Handshake): Uint8Array {
  const { flow, flags, sequence, acknowledgment, window, ttl, goesBack, options } = handshake;
  const tcp = encodeTcp({
    ...{ sourcePort: flow.from.port, destinationPort: flow.to.port, sequence, acknowledgment },
    ...{ flags: tcpFlags(flags), window, reserved: 0, urgentPointer: 0, checksum: 0 },
    options: encoded(options),
  });
  const pseudo = {
    source: flow.from.address,
    destination: flow.to.address,
    protocol: PROTOCOL_TCP,
    lengthBytes: tcp.length,
  };
  viewOf(tcp).setUint16(TCP_CHECKSUM_AT, transportChecksum(tcp, pseudo));
  const ipv4 = encodeIpv4({
    ...pseudo,
    ...{ trafficClass: goesBack ? 0 : (frame[IP_AT + 1] ?? 0), identification: 0 },
    ...{ reservedFlag: false, dontFragment: true, moreFragments: false, fragmentOffsetBytes: 0 },
    ...{ ttl, options: new Uint8Array(0), payloadBytes: tcp.length },
  });
  const [first, second] = [frame.subarray(0, MAC_BYTES), frame.subarray(MAC_BYTES, 12)];
  const link = goesBack ? [second, first] : [first, second];
  return concat(...link, frame.subarray(12, IP_AT), ipv4, tcp);
}

function encoded({ mssBytes, sack, times, scale }: HandshakeOptions): TcpOption[] {
  return [
    ...(mssBytes ? [mss(mssBytes)] : nops(4)),
    ...(sack ? [sackPermitted] : nops(2)),
    ...(times ? [timestamps(times.value, times.echo)] : nops(10)),
    ...(scale === undefined ? nops(4) : [nop, windowScale(scale)]),
  ];
}

function nops(count: number): TcpOption[] {
  return Array.from({ length: count }, () => nop);
}
