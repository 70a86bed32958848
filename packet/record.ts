/** A packet of a capture file as its reader hands it out: a place in the reader's memory, not a copy. */
import { nanoseconds, type Nanoseconds } from './unit.ts';

/**
 * Valid only during the call that receives it: readers use one view for all records. Time is in
 * two numbers, for a bigint per packet is what a reader of millions of packets would wait for.
 */
export interface RecordView {
  bytes: Uint8Array;
  /** Where in `bytes` the packet begins. */
  at: number;
  capturedBytes: number;
  /** More than `capturedBytes` where the capture kept only the beginning. */
  onWireBytes: number;
  /** Whole seconds since 1970, and what is left in 0..999,999,999. */
  seconds: number;
  nanosecond: number;
  /** Number of the interface within the file, from 0; 0 where the format has none. */
  interfaceNumber: number;
  comment: string | undefined;
}

export type VisitRecord = (record: Readonly<RecordView>) => void;

/** What one capture interface was: link type, and what the file says of it. */
export interface CaptureInterface {
  readonly linkType: number;
  readonly snapBytes: number;
  readonly name: string | undefined;
  readonly filter: string | undefined;
  /** Packets that the capturing kernel had no room for, where the file tells. */
  readonly droppedPackets: number | undefined;
}

/** `at` counts bytes from the beginning of the file; `message` is for the person who gave it. */
export interface CaptureDamage {
  readonly reason: 'truncated' | 'bad-length' | 'bad-magic' | 'bad-version' | 'bad-reference';
  readonly at: number;
  readonly message: string;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const NO_BYTES = new Uint8Array(0);

export function emptyRecord(): RecordView {
  return {
    bytes: NO_BYTES,
    at: 0,
    capturedBytes: 0,
    onWireBytes: 0,
    seconds: 0,
    nanosecond: 0,
    interfaceNumber: 0,
    comment: undefined,
  };
}

export function recordTime({ seconds, nanosecond }: Readonly<RecordView>): Nanoseconds {
  return nanoseconds(BigInt(seconds) * NANOSECONDS_PER_SECOND + BigInt(nanosecond));
}

/** The packet's bytes, to keep. */
export function recordBytes({ bytes, at, capturedBytes }: Readonly<RecordView>): Uint8Array {
  return bytes.slice(at, at + capturedBytes);
}
