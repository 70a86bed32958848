/**
 * Capture files in the classic pcap format: written whole or record by record, and read as they
 * arrive. A damaged file says where it breaks, and what came before is kept.
 *
 *   file    | magic 4 | version 2.4 | 0 | 0 | snapshot length 4 | link type 4 |
 *   record  | seconds 4 | fraction 4 | captured bytes 4 | bytes on the wire 4 | the bytes … |
 */
import { concat, viewOf } from './bytes.ts';
import { LINK_ETHERNET } from './link.ts';
import {
  emptyRecord,
  recordBytes,
  recordTime,
  type CaptureDamage,
  type RecordView,
  type VisitRecord,
} from './record.ts';
import { StreamBuffer } from './stream-buffer.ts';
import type { Nanoseconds } from './unit.ts';

export interface PcapHeader {
  readonly linkType: number;
  readonly snapBytes: number;
  readonly precision: 'micro' | 'nano';
  readonly byteOrder: 'little' | 'big';
}

export interface CapturedFrame {
  readonly time: Nanoseconds;
  readonly bytes: Uint8Array;
  /** More than `bytes.length` where the capture kept only the beginning. */
  readonly onWireBytes: number;
}

export type PcapDamage = CaptureDamage;

export interface PcapContents {
  readonly header: PcapHeader | undefined;
  readonly frames: readonly CapturedFrame[];
  readonly damage: PcapDamage | undefined;
}

const MAGIC_MICRO = 0xa1b2c3d4;
const MAGIC_NANO = 0xa1b23c4d;
const MAGIC_PCAPNG = 0x0a0d0d0a;
const VERSION_MAJOR = 2;
const VERSION_MINOR = 4;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** libpcap's MAXIMUM_SNAPLEN: a longer record is not a record. */
const RECORD_MAX_BYTES = 262_144;
/** The high half of the field tells the length of the frame check sequence. */
const LINK_TYPE_MASK = 0xffff;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

const DEFAULT_HEADER: PcapHeader = {
  linkType: LINK_ETHERNET,
  snapBytes: RECORD_MAX_BYTES,
  precision: 'nano',
  byteOrder: 'little',
};

/** A whole file; give what differs from Ethernet, nanoseconds, little-endian. */
export function writePcap(
  frames: Iterable<CapturedFrame>,
  differing: Partial<PcapHeader> = {},
): Uint8Array {
  const header = { ...DEFAULT_HEADER, ...differing };
  return concat(pcapFileHeader(header), ...Array.from(frames, (one) => pcapRecord(one, header)));
}

/** A whole file in memory. */
export function readPcap(bytes: Uint8Array): PcapContents {
  const reader = new PcapReader();
  const frames = reader.push(bytes);
  const damage = reader.end();
  return { header: reader.header, frames, damage };
}

/**
 * Reads a file in chunks of any size: `push` gives the frames that are complete, `end` the damage.
 * After damage nothing more is read, since the place of the next record is not known.
 */
export class PcapReader {
  #header: PcapHeader | undefined;
  #damage: PcapDamage | undefined;
  readonly #buffer = new StreamBuffer();
  #pendingAt = 0;
  #frameCount = 0;
  readonly #record: RecordView = emptyRecord();

  /** Known once the first 24 bytes were pushed. */
  get header(): PcapHeader | undefined {
    return this.#header;
  }

  push(chunk: Uint8Array): CapturedFrame[] {
    const frames: CapturedFrame[] = [];
    this.visit(chunk, (record) => {
      const { onWireBytes } = record;
      frames.push({ time: recordTime(record), bytes: recordBytes(record), onWireBytes });
    });
    return frames;
  }

  /** As `push`, without a copy of each packet. */
  visit(chunk: Uint8Array, visitRecord: VisitRecord): void {
    if (this.#damage) return;
    const bytes = this.#buffer.append(chunk);
    let at = this.#header ? 0 : this.#openFile(bytes);
    if (this.#header) {
      const view = viewOf(bytes);
      this.#record.bytes = bytes;
      while (this.#readRecord(this.#header, view, at)) {
        this.#frameCount += 1;
        at += RECORD_HEADER_BYTES + this.#record.capturedBytes;
        visitRecord(this.#record);
      }
    }
    this.#buffer.keepFrom(at);
    this.#pendingAt += at;
  }

  end(): PcapDamage | undefined {
    const left = this.#buffer.left;
    if (!this.#damage && (left > 0 || !this.#header)) {
      const part = this.#header ? 'record' : 'file header';
      this.#fail('truncated', this.#pendingAt + left, `the file ends in the middle of a ${part}`);
    }
    return this.#damage;
  }

  /** Gives the bytes used: the file header is there as a whole or not yet. */
  #openFile(bytes: Uint8Array): number {
    if (bytes.length < 4) return 0;
    const magic = readMagic(bytes);
    if (!magic) {
      this.#fail('bad-magic', 0, describeForeignFile(bytes));
      return 0;
    }
    if (bytes.length < FILE_HEADER_BYTES) return 0;
    const view = viewOf(bytes);
    const little = magic.byteOrder === 'little';
    const major = view.getUint16(4, little);
    if (major !== VERSION_MAJOR) {
      this.#fail('bad-version', 4, `the file is of pcap version ${major}, not ${VERSION_MAJOR}`);
      return 0;
    }
    const snapBytes = view.getUint32(16, little);
    const linkType = view.getUint32(20, little) & LINK_TYPE_MASK;
    this.#header = { linkType, snapBytes, ...magic };
    return FILE_HEADER_BYTES;
  }

  /** False when the record is not there as a whole, or is none. */
  #readRecord(header: PcapHeader, view: DataView, at: number): boolean {
    if (view.byteLength < at + RECORD_HEADER_BYTES) return false;
    const little = header.byteOrder === 'little';
    const capturedBytes = view.getUint32(at + 8, little);
    if (capturedBytes > RECORD_MAX_BYTES) {
      this.#fail('bad-length', this.#pendingAt + at + 8, `a record claims ${capturedBytes} bytes`);
      return false;
    }
    if (view.byteLength < at + RECORD_HEADER_BYTES + capturedBytes) return false;
    const fraction = view.getUint32(at + 4, little) * (header.precision === 'nano' ? 1 : 1000);
    const wholeSeconds = Math.floor(fraction / 1_000_000_000);
    const record = this.#record;
    record.at = at + RECORD_HEADER_BYTES;
    record.capturedBytes = capturedBytes;
    record.onWireBytes = Math.max(capturedBytes, view.getUint32(at + 12, little));
    record.seconds = view.getUint32(at, little) + wholeSeconds;
    record.nanosecond = fraction - wholeSeconds * 1_000_000_000;
    return true;
  }

  #fail(reason: PcapDamage['reason'], at: number, what: string): void {
    const message = `${what} (at byte ${at}; packets kept: ${this.#frameCount})`;
    this.#damage = { reason, at, message };
  }
}

/** The first 24 bytes of a file. */
export function pcapFileHeader(header: PcapHeader): Uint8Array {
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  const view = viewOf(bytes);
  const little = header.byteOrder === 'little';
  view.setUint32(0, header.precision === 'nano' ? MAGIC_NANO : MAGIC_MICRO, little);
  view.setUint16(4, VERSION_MAJOR, little);
  view.setUint16(6, VERSION_MINOR, little);
  view.setUint32(16, header.snapBytes, little);
  view.setUint32(20, header.linkType, little);
  return bytes;
}

/** One record of a file with that header; a frame longer than its snapshot length is cut. */
export function pcapRecord(frame: CapturedFrame, header: PcapHeader): Uint8Array {
  if (frame.time < 0n || frame.time / NANOSECONDS_PER_SECOND > 0xffff_ffffn)
    throw new RangeError(`a pcap file holds times from 1970 to 2106, got ${frame.time} ns`);
  const kept = frame.bytes.subarray(0, header.snapBytes);
  const head = new Uint8Array(RECORD_HEADER_BYTES);
  const view = viewOf(head);
  const little = header.byteOrder === 'little';
  const fraction = (frame.time % NANOSECONDS_PER_SECOND) / nanosecondsPerUnit(header);
  view.setUint32(0, Number(frame.time / NANOSECONDS_PER_SECOND), little);
  view.setUint32(4, Number(fraction), little);
  view.setUint32(8, kept.length, little);
  view.setUint32(12, frame.onWireBytes, little);
  return concat(head, kept);
}

/** A frame as captured whole: `capturedFrame(tcp({ … }), time)`. */
export function capturedFrame(bytes: Uint8Array, time: Nanoseconds): CapturedFrame {
  return { time, bytes, onWireBytes: bytes.length };
}

function readMagic(bytes: Uint8Array): Pick<PcapHeader, 'precision' | 'byteOrder'> | undefined {
  for (const byteOrder of ['little', 'big'] as const) {
    const magic = viewOf(bytes).getUint32(0, byteOrder === 'little');
    if (magic === MAGIC_MICRO) return { precision: 'micro', byteOrder };
    if (magic === MAGIC_NANO) return { precision: 'nano', byteOrder };
  }
  return undefined;
}

function describeForeignFile(bytes: Uint8Array): string {
  return viewOf(bytes).getUint32(0) === MAGIC_PCAPNG
    ? 'this is a pcapng file; convert it with: editcap -F pcap FILE FILE.pcap'
    : 'this is not a pcap file';
}

function nanosecondsPerUnit({ precision }: PcapHeader): bigint {
  return precision === 'nano' ? 1n : 1000n;
}
