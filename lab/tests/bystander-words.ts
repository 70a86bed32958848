/** Frames in words that can be compared: all bytes, but for what a kernel draws at random. */

import assert from 'node:assert/strict';
import { printFrame } from '../../packet/print.ts';

const IP_AT = 14;
const ID_AT = IP_AT + 4;
const TTL_AT = IP_AT + 8;
const IP_CHECKSUM_AT = IP_AT + 10;
const SOURCE_AT = IP_AT + 12;
/** Chosen at random by the kernel for packets of its own. */
const OWN_ADDRESSES = new Set(['10.0.23.111', '10.0.23.1', '10.0.98.79', '10.0.77.7']);

/**
 * The same frames, in any order; what is missing and what is too many is named. ARP is
 * left out: kernels ask for their neighbours when they like. Ours is looked for by name.
 */
export function assertSame(actual: readonly string[], expected: readonly string[]): void {
  const isOurs = (words: string) => !words.startsWith('ARP ');
  const difference = {
    missing: without(expected, actual).filter(isOurs),
    tooMany: without(actual, expected).filter(isOurs),
  };
  assert.deepEqual(difference, { missing: [], tooMany: [] });
}

export function without(all: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return all.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

export const words = (frames: readonly Uint8Array[]) => frames.map(inWords).toSorted();

/** A line for people and all of the bytes, without what the kernel draws at random. */
export function inWords(frame: Uint8Array): string {
  const bytes = Buffer.from(frame);
  const isIpv4 = bytes.length >= SOURCE_AT + 4 && bytes.readUInt16BE(12) === 0x0800;
  if (isIpv4 && OWN_ADDRESSES.has([...bytes.subarray(SOURCE_AT, SOURCE_AT + 4)].join('.'))) {
    bytes.writeUInt16BE(0, ID_AT);
    bytes.writeUInt16BE(0, IP_CHECKSUM_AT);
  }
  return `${printFrame(bytes)} ${bytes.toString('hex')}`;
}

/** As a router sends it on: the other way along the link, TTL one less, without padding. */
export function oneHopLater(frame: Uint8Array): Uint8Array {
  const bytes = Buffer.from(
    frame.subarray(0, IP_AT + (((frame[16] ?? 0) << 8) | (frame[17] ?? 0))),
  );
  bytes.set(frame.subarray(6, 12), 0);
  bytes.set(frame.subarray(0, 6), 6);
  bytes.writeUInt8(bytes.readUInt8(TTL_AT) - 1, TTL_AT);
  // RFC 1624: TTL is the high byte of its word.
  const sum = bytes.readUInt16BE(IP_CHECKSUM_AT) + 0x0100;
  bytes.writeUInt16BE((sum & 0xffff) + (sum >>> 16), IP_CHECKSUM_AT);
  return bytes;
}
