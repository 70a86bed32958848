/**
 * Reads pcapng as it arrives: several sections and interfaces, both byte orders, any resolution of
 * time. A damaged block is told of, and reading goes on at the next that can be recognised.
 */
import { viewOf } from './bytes.ts';
import { PcapngBlocks, sectionOrder, type Fault } from './pcapng-blocks.ts';
import {
  BLOCK_FRAME_BYTES,
  BLOCK_PACKET,
  BLOCK_PACKET_OBSOLETE,
  BLOCK_SECTION,
  BLOCK_SIMPLE_PACKET,
  PACKET_HEAD_BYTES,
  padded,
} from './pcapng-format.ts';
import type { CaptureDamage, CaptureInterface, VisitRecord } from './record.ts';
import { StreamBuffer } from './stream-buffer.ts';

/** Wireshark's limit; blocks that are not packets may be large and are passed over unread. */
const BLOCK_MAX_BYTES = 16 * 1024 * 1024;
/** A packet of libpcap's MAXIMUM_SNAPLEN with as many bytes of options. */
const BLOCK_READ_MAX_BYTES = 2 * 262_144;
/** More are counted, not kept: a file of noise must not fill the memory. */
const DAMAGES_MAX = 20;

export class PcapngReader {
  readonly #blocks = new PcapngBlocks();
  readonly #damages: CaptureDamage[] = [];
  #damageCount = 0;
  readonly #buffer = new StreamBuffer();
  #pendingAt = 0;
  /** Bytes still to come of a block that is passed over. */
  #passing = 0;
  /** Set by damage, until a block is whole again. */
  #isSearching = false;

  /** Of all sections so far, in the order of `interfaceNumber`. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#blocks.interfaces;
  }

  /** The first ones; `damageCount` has them all. */
  get damages(): readonly CaptureDamage[] {
    return this.#damages;
  }

  get damageCount(): number {
    return this.#damageCount;
  }

  visit(chunk: Uint8Array, visitRecord: VisitRecord): void {
    this.#read(chunk, visitRecord, false);
  }

  /** What the end of the file leaves unfinished is damage; whole packets in it are still found. */
  end(visitRecord: VisitRecord): void {
    this.#read(new Uint8Array(0), visitRecord, true);
    if (this.#passing > 0 || (this.#blocks.little === undefined && this.#damageCount === 0))
      this.#fail(0, { reason: 'truncated', what: 'the file ends in the middle of a block' });
  }

  #read(chunk: Uint8Array, visitRecord: VisitRecord, isEnd: boolean): void {
    const bytes = this.#buffer.append(chunk);
    const view = viewOf(bytes);
    this.#blocks.openBytes(bytes);
    let at = 0;
    while (at < bytes.length) {
      const passed = Math.min(this.#passing, bytes.length - at);
      this.#passing -= passed;
      at += passed;
      if (this.#passing > 0 || at === bytes.length) break;

      const blockBytes = this.#blockBytes(view, at);
      if (blockBytes === 'incomplete') {
        if (!isEnd) break;
        const what = 'the file ends in the middle of a block';
        this.#fail(bytes.length, { reason: 'truncated', what });
        at += 1;
      } else if (typeof blockBytes !== 'number') {
        this.#fail(at, blockBytes);
        at += 1;
      } else if (blockBytes > BLOCK_READ_MAX_BYTES) {
        this.#passing = blockBytes;
      } else {
        const result = this.#blocks.read(view, at, blockBytes, visitRecord);
        if (result === 'read') this.#isSearching = false;
        else this.#fail(at, result, result.reason === 'bad-version');
        at += blockBytes;
      }
    }
    this.#buffer.keepFrom(at);
    this.#pendingAt += at;
  }

  /** The length of the block that begins here, once it is there as a whole and both lengths agree. */
  #blockBytes(view: DataView, at: number): number | 'incomplete' | Fault {
    const left = view.byteLength - at;
    if (left < BLOCK_FRAME_BYTES) return 'incomplete';
    const isSection = view.getUint32(at) === BLOCK_SECTION;
    const little = isSection ? sectionOrder(view, at) : this.#blocks.little;
    if (little === undefined)
      return isSection
        ? { reason: 'bad-magic', what: 'a section names no byte order' }
        : { reason: 'bad-magic', what: 'this is not a pcapng file' };
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (this.#isSearching && !isSection && !this.#isLikelyPacket(view, at, type, length, little))
      return { reason: 'bad-length', what: '' };
    if (length < BLOCK_FRAME_BYTES || length % 4 !== 0 || length > BLOCK_MAX_BYTES)
      return { reason: 'bad-length', what: `a block claims ${length} bytes` };
    if (length > BLOCK_READ_MAX_BYTES)
      return isPacket(type)
        ? { reason: 'bad-length', what: `a packet claims ${length} bytes` }
        : length;
    if (left < length) return 'incomplete';
    const trailer = view.getUint32(at + length - 4, little);
    if (trailer !== length)
      return { reason: 'bad-length', what: `a block of ${length} bytes ends as one of ${trailer}` };
    return length;
  }

  /** While searching, four bytes are no proof of a block: its parts must fit each other too. */
  #isLikelyPacket(view: DataView, at: number, type: number, length: number, little: boolean) {
    if (type !== BLOCK_PACKET || length < PACKET_HEAD_BYTES + 4) return false;
    if (view.byteLength < at + PACKET_HEAD_BYTES) return true; // known when more has come
    if (length > BLOCK_READ_MAX_BYTES || length % 4 !== 0) return false;
    const captured = view.getUint32(at + 20, little);
    return (
      this.#blocks.interfaceOf(view.getUint32(at + 8, little)) !== undefined &&
      PACKET_HEAD_BYTES + padded(captured) + 4 <= length
    );
  }

  /** `isLost`: where the next block begins is not known. Until it is found, that is one damage. */
  #fail(at: number, { reason, what }: Fault, isLost = true): void {
    if (isLost && this.#isSearching) return;
    this.#isSearching ||= isLost;
    this.#damageCount += 1;
    if (this.#damages.length >= DAMAGES_MAX) return;
    const place = this.#pendingAt + at;
    const message = `${what} (at byte ${place}; packets kept so far: ${this.#blocks.packets})`;
    this.#damages.push({ reason, at: place, message });
  }
}

function isPacket(type: number): boolean {
  return [BLOCK_PACKET, BLOCK_PACKET_OBSOLETE, BLOCK_SIMPLE_PACKET].includes(type);
}
