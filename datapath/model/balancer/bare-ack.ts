/**
 * When what completes the handshake is too full for TOA, the same acknowledgement goes
 * ahead alone; the packet itself comes by again when that is on its way.
 */
import {
  concat,
  IPV4_HEADER_BYTES,
  PROTOCOL_TCP,
  TCP_CHECKSUM_AT,
  TCP_HEADER_BYTES,
  transportChecksum,
  viewOf,
} from '../../../packet/index.ts';
import { writeIpBytes } from '../edit.ts';
import { ACK, OPTIONS_AT, TCP_AT, type Segment } from '../segment.ts';

/** NOP NOP 8 10 and two values, as everybody writes it (RFC 7323 appendix A). */
const TIMESTAMP_BYTES = 12;
const TIMESTAMP_HEAD = 0x0101_080a;

/** Turns the segment into its bare ACK. */
export function bareAckOf(segment: Segment): void {
  const { frame, flow } = segment;
  const tcp = concat(frame.subarray(TCP_AT, OPTIONS_AT), timestampOf(segment));
  const view = viewOf(tcp);
  view.setUint16(12, ((tcp.length / 4) << 12) | ACK);
  view.setUint16(TCP_CHECKSUM_AT, 0);
  view.setUint16(TCP_CHECKSUM_AT + 2, 0); // the urgent pointer
  const pseudo = {
    source: flow.from.address,
    destination: flow.to.address,
    protocol: PROTOCOL_TCP,
    lengthBytes: tcp.length,
  };
  view.setUint16(TCP_CHECKSUM_AT, transportChecksum(tcp, pseudo));
  segment.frame = concat(frame.subarray(0, TCP_AT), tcp);
  segment.flags = ACK;
  segment.tcpHeaderBytes = tcp.length;
  segment.ipBytes = IPV4_HEADER_BYTES + tcp.length;
  writeIpBytes(segment, segment.ipBytes);
}

/** Timestamps stay: receivers may drop segments without them (RFC 7323 section 3.2). */
function timestampOf({ frame, tcpHeaderBytes }: Segment): Uint8Array {
  const has =
    tcpHeaderBytes >= TCP_HEADER_BYTES + TIMESTAMP_BYTES &&
    viewOf(frame).getUint32(OPTIONS_AT) === TIMESTAMP_HEAD;
  return frame.subarray(OPTIONS_AT, OPTIONS_AT + (has ? TIMESTAMP_BYTES : 0));
}
