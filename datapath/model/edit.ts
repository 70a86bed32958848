/**
 * Changes to a segment, with the checksums they cost: a checksum is changed by the
 * difference and never made anew, so that one that came in wrong leaves just as wrong.
 */
import { foldSum, viewOf } from '../../packet/index.ts';
import type { Flow } from './flow.ts';
import { IP_AT, TCP_AT, type Segment } from './segment.ts';

/** Ones' complement sums of what was put in and taken out. */
export interface Edit {
  /** Addresses and TCP length. */
  pseudo: number;
  /** Everything from the TCP header on. */
  plain: number;
}

const IP_CHECKSUM_AT = IP_AT + 10;
const TTL_AT = IP_AT + 8;
const TCP_CHECKSUM_AT = TCP_AT + 16;

export function newEdit(): Edit {
  return { pseudo: 0, plain: 0 };
}

/** What replacing one 16-bit word adds to a sum (RFC 1624). */
export function replaced(old: number, now: number): number {
  return (~old & 0xffff) + now;
}

/** The same for an address. */
export function replaced32(old: number, now: number): number {
  return replaced(old >>> 16, now >>> 16) + replaced(old & 0xffff, now & 0xffff);
}

export function checksumWith(checksum: number, difference: number): number {
  return ~foldSum((~checksum & 0xffff) + difference) & 0xffff;
}

/** Writes another tuple, and the checksums of everything in `edit`. */
export function writeFlow(segment: Segment, to: Flow, edit: Edit, ttlLess: 0 | 1): void {
  const { flow } = segment;
  const addresses =
    replaced32(flow.from.address, to.from.address) + replaced32(flow.to.address, to.to.address);
  edit.pseudo += addresses;
  edit.plain += replaced(flow.from.port, to.from.port) + replaced(flow.to.port, to.to.port);
  writeChecksum(segment, edit);

  const view = viewOf(segment.frame);
  const ttlWord = view.getUint16(TTL_AT);
  view.setUint8(TTL_AT, segment.ttl - ttlLess);
  const headerDifference = replaced(ttlWord, view.getUint16(TTL_AT)) + addresses;
  view.setUint16(IP_CHECKSUM_AT, checksumWith(view.getUint16(IP_CHECKSUM_AT), headerDifference));
  view.setUint32(IP_AT + 12, to.from.address);
  view.setUint32(IP_AT + 16, to.to.address);
  view.setUint16(TCP_AT, to.from.port);
  view.setUint16(TCP_AT + 2, to.to.port);
}

export function writeChecksum({ frame }: Segment, { pseudo, plain }: Edit): void {
  const view = viewOf(frame);
  const checksum = view.getUint16(TCP_CHECKSUM_AT);
  view.setUint16(TCP_CHECKSUM_AT, checksumWith(checksumWith(checksum, pseudo), plain));
}

/** Another total length in the IPv4 header. */
export function writeIpBytes({ frame }: Segment, ipBytes: number): void {
  const view = viewOf(frame);
  const difference = replaced(view.getUint16(IP_AT + 2), ipBytes);
  view.setUint16(IP_AT + 2, ipBytes);
  view.setUint16(IP_CHECKSUM_AT, checksumWith(view.getUint16(IP_CHECKSUM_AT), difference));
}
