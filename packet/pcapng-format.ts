/**
 * The pcapng format (draft-ietf-opsawg-pcapng) as reader and writer share it: blocks, each with
 * its length at both ends, and options at the end of most.
 *
 *   block   | type 4 | length 4 | body … | length 4 |
 *   option  | code 2 | length 2 | value, padded to 4 … |
 */

export const BLOCK_SECTION = 0x0a0d0d0a;
export const BLOCK_INTERFACE = 1;
export const BLOCK_PACKET_OBSOLETE = 2;
export const BLOCK_SIMPLE_PACKET = 3;
export const BLOCK_STATISTICS = 5;
export const BLOCK_PACKET = 6;

/** In the byte order of its section. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const VERSION_MAJOR = 1;
export const VERSION_MINOR = 0;

/** Type, length, length. */
export const BLOCK_FRAME_BYTES = 12;
export const BLOCK_HEAD_BYTES = 8;
/** Of the block, up to the packet's bytes. */
export const PACKET_HEAD_BYTES = 28;

export const OPTION_END = 0;
export const OPTION_COMMENT = 1;
export const OPTION_INTERFACE_NAME = 2;
export const OPTION_INTERFACE_RESOLUTION = 9;
export const OPTION_INTERFACE_FILTER = 11;
export const OPTION_INTERFACE_TIME_OFFSET = 14;
export const OPTION_STATISTICS_INTERFACE_DROPPED = 5;
export const OPTION_STATISTICS_SYSTEM_DROPPED = 7;

/** 10^-6 s, when an interface does not say. */
export const RESOLUTION_DEFAULT = 6;

export interface PcapngOption {
  readonly code: number;
  readonly value: Uint8Array;
}

export function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}

/** Ends at the first that does not fit. */
export function* optionsOf(
  view: DataView,
  from: number,
  end: number,
  little: boolean,
): Generator<PcapngOption, void> {
  for (let at = from; at + 4 <= end;) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === OPTION_END || at + 4 + length > end) return;
    yield { code, value: new Uint8Array(view.buffer, view.byteOffset + at + 4, length) };
    at += 4 + padded(length);
  }
}
