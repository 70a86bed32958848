/** What a trace keeps of a segment's options, read in place: millions of segments make no objects. */
import { isToaNumber, TOA4_BYTES, TOA6_BYTES } from './toa.ts';

/** NaN: not there. */
export interface OptionScan {
  mss: number;
  timestamp: number;
  /** Where the first TOA begins in the bytes, or -1. */
  toaAt: number;
  /**
   * One number for the options that no translation rewrites, in their order: which kinds there are,
   * and the shift of the window scale. Timestamps, NOP and TOA come and go on the way; of the MSS
   * the value does.
   */
  signature: number;
}

const END = 0;
const NOP = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
/** FNV-1a, 32 bits. */
const HASH_BASIS = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

export function emptyOptionScan(): OptionScan {
  return { mss: NaN, timestamp: NaN, toaAt: -1, signature: 0 };
}

/** Options are from `from` to `end`; an option of the wrong length counts as none. */
export function scanTcpOptions(
  bytes: Uint8Array,
  from: number,
  end: number,
  found: OptionScan,
): void {
  found.mss = NaN;
  found.timestamp = NaN;
  found.toaAt = -1;
  let hash = HASH_BASIS;
  for (let at = from; at < end;) {
    const kind = bytes[at] ?? END;
    if (kind === END) break;
    if (kind === NOP) {
      at += 1;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > end) break;
    if (kind === MSS && length === 4) {
      found.mss = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
      hash = mixed(hash, kind);
    } else if (kind === TIMESTAMPS) {
      if (length === 10) found.timestamp = long(bytes, at + 2);
    } else if (kind === WINDOW_SCALE) {
      if (length === 3) hash = mixed(mixed(hash, kind), bytes[at + 2] ?? 0);
    } else if (isToaNumber(kind) && (length === TOA4_BYTES || length === TOA6_BYTES)) {
      if (found.toaAt < 0) found.toaAt = at;
    } else if (isWhole(kind, length)) hash = mixed(hash, kind);
    at += length;
  }
  found.signature = hash >>> 0;
}

function isWhole(kind: number, length: number): boolean {
  if (kind === MSS) return false;
  if (kind === SACK_PERMITTED) return length === 2;
  return kind !== SACK || (length >= 10 && length % 8 === 2);
}

function mixed(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, HASH_PRIME);
}

function long(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}
