/** The RST that answers a segment, as if the addressee had sent it. */
import {
  concat,
  encodeIpv4,
  encodeTcp,
  PROTOCOL_TCP,
  TCP_CHECKSUM_AT,
  TCP_HEADER_BYTES,
  tcpFlags,
  transportChecksum,
  viewOf,
} from '../../packet/index.ts';
import { ACK, FIN, IP_AT, payloadBytes, SYN, type Segment } from './segment.ts';

const RESET_TTL = 64;
const MAC_BYTES = 6;

/** It leaves by the interface and for the link-layer address that the segment came from, so it needs no route. */
export function resetFor(segment: Segment): Uint8Array {
  const { flow, frame } = segment;
  const pseudo = {
    source: flow.to.address,
    destination: flow.from.address,
    protocol: PROTOCOL_TCP,
    lengthBytes: TCP_HEADER_BYTES,
  };
  const tcp = encodeTcp({
    sourcePort: flow.to.port,
    destinationPort: flow.from.port,
    ...numbersOf(segment),
    reserved: 0,
    window: 0,
    checksum: 0,
    urgentPointer: 0,
    options: [],
  });
  viewOf(tcp).setUint16(TCP_CHECKSUM_AT, transportChecksum(tcp, pseudo));
  const ipv4 = encodeIpv4({
    ...pseudo,
    trafficClass: 0,
    identification: 0,
    reservedFlag: false,
    dontFragment: true,
    moreFragments: false,
    fragmentOffsetBytes: 0,
    ttl: RESET_TTL,
    options: new Uint8Array(0),
    payloadBytes: tcp.length,
  });
  const [destination, source] = [frame.subarray(0, MAC_BYTES), frame.subarray(MAC_BYTES, 12)];
  return concat(source, destination, frame.subarray(12, IP_AT), ipv4, tcp);
}

/**
 * RFC 9293 section 3.10.7.1: with ACK, the RST takes its sequence number from it;
 * without, sequence 0 and an acknowledgement of all that the segment held.
 */
function numbersOf(segment: Segment) {
  const { flags, sequence, acknowledgment } = segment;
  if (flags & ACK) return { flags: tcpFlags('R'), sequence: acknowledgment, acknowledgment: 0 };
  const held = payloadBytes(segment) + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
  return { flags: tcpFlags('RA'), sequence: 0, acknowledgment: (sequence + held) >>> 0 };
}
