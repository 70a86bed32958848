/** TOA in a segment: taken out wherever it stands, put in right behind the TCP header. */
import {
  concat,
  encodeToa,
  IPV4_HEADER_BYTES,
  sumWords,
  TOA4_BYTES,
  TOA6_BYTES,
  viewOf,
  type Endpoint,
  type Ipv4Address,
  type Port,
} from '../../packet/index.ts';
import { replaced, writeIpBytes, type Edit } from './edit.ts';
import { walkOptions } from './options.ts';
import { IP_AT, OPTIONS_AT, TCP_AT, type Segment } from './segment.ts';

export interface TakenToa {
  /** How many there were, of either kind and layout. */
  readonly found: number;
  /** The client in the first one that has the IPv4 layout. */
  readonly client: Endpoint | undefined;
}

const NUMBER = 254;
/** 253 and 254 are for experiments (RFC 6994): with another length they are somebody else's. */
const NUMBERS: readonly number[] = [NUMBER, 253];
const LENGTHS: readonly number[] = [TOA4_BYTES, TOA6_BYTES];
const NOP = 1;
/** Data offset counts 15 words at most (RFC 9293 section 3.1). */
const TCP_HEADER_MAX_BYTES = 60;
/** Every IPv4 host takes this much (RFC 791 section 3.1). */
const MTU_EVERYWHERE_BYTES = 576;

/** Replaces every TOA by NOPs (RFC 9293 section 3.1), up to where the options end or make no sense. */
export function takeToa(segment: Segment, edit: Edit): TakenToa {
  const view = viewOf(segment.frame);
  let [found, client]: [number, Endpoint | undefined] = [0, undefined];
  for (const { number, at, lengthBytes } of walkOptions(segment)) {
    if (!NUMBERS.includes(number) || !LENGTHS.includes(lengthBytes)) continue;
    if (lengthBytes === TOA4_BYTES) client ??= clientAt(view, at);
    blank(segment.frame, at, lengthBytes, edit);
    found += 1;
  }
  return { found, client };
}

/** True when the header has room, and the packet is not too large with it; of an unknown MTU the least is taken. */
export function hasRoomForToa(segment: Segment, mtuBytes: number | undefined): boolean {
  return (
    segment.tcpHeaderBytes + TOA4_BYTES <= TCP_HEADER_MAX_BYTES &&
    segment.ipBytes + TOA4_BYTES <= (mtuBytes ?? MTU_EVERYWHERE_BYTES)
  );
}

/** Grows the segment; Ethernet's padding does not get into it. */
export function insertToa(segment: Segment, edit: Edit, client: Endpoint): void {
  const option = encodeToa({ number: NUMBER, family: 'ipv4', client });
  const { frame, ipBytes } = segment;
  segment.frame = concat(
    frame.subarray(0, OPTIONS_AT),
    option,
    frame.subarray(OPTIONS_AT, IP_AT + ipBytes),
  );
  segment.ipBytes += option.length;
  segment.tcpHeaderBytes += option.length;
  writeIpBytes(segment, segment.ipBytes);

  const view = viewOf(segment.frame);
  const offsetWord = view.getUint16(TCP_AT + 12);
  view.setUint16(TCP_AT + 12, offsetWord + ((option.length / 4) << 12));
  edit.pseudo += replaced(ipBytes - IPV4_HEADER_BYTES, segment.ipBytes - IPV4_HEADER_BYTES);
  edit.plain += replaced(offsetWord, view.getUint16(TCP_AT + 12)) + sumWords(option);
}

function clientAt(view: DataView, at: number): Endpoint {
  return { port: view.getUint16(at + 2) as Port, address: view.getUint32(at + 4) as Ipv4Address };
}

function blank(frame: Uint8Array, from: number, length: number, edit: Edit): void {
  for (let at = from; at < from + length; at++) {
    const old = frame[at] ?? 0;
    frame[at] = NOP;
    // The high byte of its 16-bit word, or the low one.
    edit.plain += (at - TCP_AT) % 2 === 0 ? replaced(old << 8, NOP << 8) : replaced(old, NOP);
  }
}
