/** The Internet checksum (RFC 1071), whole and incremental (RFC 1624). */
import type { Ipv4Address } from './address.ts';

/** A running sum of 16-bit words, not yet folded or complemented. */
export type WordSum = number;

export interface PseudoHeader {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly protocol: number;
  readonly lengthBytes: number;
}

/** 0 for bytes that already contain their own correct checksum. */
export function internetChecksum(bytes: Uint8Array, initial: WordSum = 0): number {
  return complement(sumWords(bytes, initial));
}

/** The TCP or UDP checksum of a segment; 0 when the segment contains its correct checksum. */
export function transportChecksum(segment: Uint8Array, pseudo: PseudoHeader): number {
  return internetChecksum(segment, sumPseudoHeader(pseudo));
}

/** RFC 1624 equation 3: the checksum after one 16-bit word of the covered bytes has changed. */
export function updateChecksum(checksum: number, oldWord: number, newWord: number): number {
  return complement((~checksum & 0xffff) + (~oldWord & 0xffff) + newWord);
}

/** The same for an address or a sequence number. */
export function updateChecksum32(checksum: number, oldValue: number, newValue: number): number {
  const high = updateChecksum(checksum, oldValue >>> 16, newValue >>> 16);
  return updateChecksum(high, oldValue & 0xffff, newValue & 0xffff);
}

export function sumWords(bytes: Uint8Array, initial: WordSum = 0): WordSum {
  let sum = initial;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) + (bytes[i + 1] ?? 0);
  return sum;
}

/** RFC 9293 section 3.1: source, destination, zero, protocol, length. */
export function sumPseudoHeader(pseudo: PseudoHeader): WordSum {
  const { source, destination, protocol, lengthBytes } = pseudo;
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    lengthBytes
  );
}

/** A sum folded into 16 bits; the complement of this is the checksum. */
export function foldSum(sum: WordSum): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x1_0000);
  return folded;
}

function complement(sum: WordSum): number {
  return ~foldSum(sum) & 0xffff;
}
