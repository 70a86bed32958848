/**
 * Reads pcapng as it arrives: several sections and interfaces, both byte orders, any resolution of
 * time. A damaged block is told of, and reading goes on at the next that can be recognised.
 */
import { concat, utf8Text, viewOf } from './bytes.ts';
import {
  BLOCK_FRAME_BYTES,
  BLOCK_INTERFACE,
  BLOCK_PACKET,
  BLOCK_PACKET_OBSOLETE,
  BLOCK_SECTION,
  BLOCK_SIMPLE_PACKET,
  BLOCK_STATISTICS,
  BYTE_ORDER_MAGIC,
  OPTION_COMMENT,
  OPTION_INTERFACE_FILTER,
  OPTION_INTERFACE_NAME,
  OPTION_INTERFACE_RESOLUTION,
  OPTION_INTERFACE_TIME_OFFSET,
  OPTION_STATISTICS_INTERFACE_DROPPED,
  OPTION_STATISTICS_SYSTEM_DROPPED,
  optionsOf,
  PACKET_HEAD_BYTES,
  padded,
  RESOLUTION_DEFAULT,
  VERSION_MAJOR,
} from './pcapng-format.ts';
import {
  emptyRecord,
  type CaptureDamage,
  type CaptureInterface,
  type RecordView,
  type VisitRecord,
} from './record.ts';
import { setRecordTime, type Resolution } from './resolution.ts';

interface OpenInterface extends CaptureInterface {
  droppedPackets: number | undefined;
  readonly resolution: Resolution;
}

interface Section {
  readonly little: boolean;
  /** Number of its first interface within the file. */
  readonly firstInterface: number;
}

/** Damage in one block, the file offset left to the caller. */
type Fault = Pick<CaptureDamage, 'reason'> & { readonly what: string };
type BlockResult = 'read' | Fault;

/** Wireshark's limit; blocks that are not packets may be large and are passed over unread. */
const BLOCK_MAX_BYTES = 16 * 1024 * 1024;
/** A packet of libpcap's MAXIMUM_SNAPLEN with as many bytes of options. */
const BLOCK_READ_MAX_BYTES = 2 * 262_144;
const INTERFACES_MAX = 65_536;
/** More are counted, not kept: a file of noise must not fill the memory. */
const DAMAGES_MAX = 20;

export class PcapngReader {
  readonly #interfaces: OpenInterface[] = [];
  readonly #damages: CaptureDamage[] = [];
  readonly #record: RecordView = emptyRecord();
  #damageCount = 0;
  #frameCount = 0;
  #section: Section | undefined;
  #pending: Uint8Array = new Uint8Array(0);
  #pendingAt = 0;
  /** Bytes still to come of a block that is passed over. */
  #passing = 0;
  /** Set by damage, until a block is whole again. */
  #isSearching = false;

  /** Of all sections so far, in the order of `interfaceNumber`. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#interfaces;
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
    if (this.#passing > 0 || (this.#section === undefined && this.#damageCount === 0))
      this.#fail(0, { reason: 'truncated', what: 'the file ends in the middle of a block' });
  }

  #read(chunk: Uint8Array, visitRecord: VisitRecord, isEnd: boolean): void {
    const bytes = this.#pending.length > 0 ? concat(this.#pending, chunk) : chunk;
    const view = viewOf(bytes);
    this.#record.bytes = bytes;
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
        const result = this.#readBlock(view, at, blockBytes, visitRecord);
        if (result === 'read') this.#isSearching = false;
        else this.#fail(at, result, result.reason === 'bad-version');
        at += blockBytes;
      }
    }
    this.#pending = bytes.slice(at);
    this.#pendingAt += at;
  }

  /** The length of the block that begins here, once it is there as a whole and both lengths agree. */
  #blockBytes(view: DataView, at: number): number | 'incomplete' | Fault {
    const left = view.byteLength - at;
    if (left < BLOCK_FRAME_BYTES) return 'incomplete';
    const isSection = view.getUint32(at) === BLOCK_SECTION;
    const little = isSection ? sectionOrder(view, at) : this.#section?.little;
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
      this.#interfaceOf(view.getUint32(at + 8, little)) !== undefined &&
      PACKET_HEAD_BYTES + padded(captured) + 4 <= length
    );
  }

  #readBlock(view: DataView, at: number, length: number, visitRecord: VisitRecord): BlockResult {
    if (view.getUint32(at) === BLOCK_SECTION) return this.#openSection(view, at);
    if (!this.#section) return 'read';
    const { little } = this.#section;
    switch (view.getUint32(at, little)) {
      case BLOCK_INTERFACE:
        return this.#openInterface(view, at, length, little);
      case BLOCK_PACKET:
      case BLOCK_PACKET_OBSOLETE:
        return this.#readPacket(view, at, length, little, visitRecord);
      case BLOCK_SIMPLE_PACKET:
        return this.#readSimplePacket(view, at, length, little, visitRecord);
      case BLOCK_STATISTICS:
        return this.#readStatistics(view, at, length, little);
      default:
        return 'read';
    }
  }

  #openSection(view: DataView, at: number): BlockResult {
    const little = sectionOrder(view, at) ?? true;
    const major = view.byteLength >= at + 14 ? view.getUint16(at + 12, little) : 0;
    this.#section = undefined;
    if (major !== VERSION_MAJOR)
      return { reason: 'bad-version', what: `a section is of pcapng version ${major}` };
    this.#section = { little, firstInterface: this.#interfaces.length };
    return 'read';
  }

  #openInterface(view: DataView, at: number, length: number, little: boolean): BlockResult {
    if (length < 20) return { reason: 'bad-length', what: 'an interface is too short' };
    if (this.#interfaces.length >= INTERFACES_MAX)
      return { reason: 'bad-length', what: `more than ${INTERFACES_MAX} interfaces` };
    const options = [...optionsOf(view, at + 16, at + length - 4, little)];
    const value = (code: number) => options.find((option) => option.code === code)?.value;
    const [name, filter] = [value(OPTION_INTERFACE_NAME), value(OPTION_INTERFACE_FILTER)];
    const offset = value(OPTION_INTERFACE_TIME_OFFSET);
    this.#interfaces.push({
      linkType: view.getUint16(at + 8, little),
      snapBytes: view.getUint32(at + 12, little),
      name: name && utf8Text(name),
      // The first byte tells the kind: 0 is text.
      filter: filter?.[0] === 0 ? utf8Text(filter.subarray(1)) : undefined,
      droppedPackets: undefined,
      resolution: {
        code: value(OPTION_INTERFACE_RESOLUTION)?.[0] ?? RESOLUTION_DEFAULT,
        offsetSeconds: offset?.length === 8 ? Number(viewOf(offset).getBigInt64(0, little)) : 0,
      },
    });
    return 'read';
  }

  /** The obsolete block has the interface in two bytes, and a drop counter beside it. */
  #readPacket(
    view: DataView,
    at: number,
    length: number,
    little: boolean,
    visitRecord: VisitRecord,
  ): BlockResult {
    if (length < PACKET_HEAD_BYTES + 4)
      return { reason: 'bad-length', what: 'a packet is too short' };
    const isObsolete = view.getUint32(at, little) === BLOCK_PACKET_OBSOLETE;
    const inSection = isObsolete ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little);
    const from = this.#interfaceOf(inSection);
    if (!from) return { reason: 'bad-reference', what: `a packet of interface ${inSection}` };
    const capturedBytes = view.getUint32(at + 20, little);
    const optionsAt = at + PACKET_HEAD_BYTES + padded(capturedBytes);
    if (capturedBytes > length || optionsAt > at + length - 4)
      return { reason: 'bad-length', what: `a packet claims ${capturedBytes} bytes` };
    const [high, low] = [view.getUint32(at + 12, little), view.getUint32(at + 16, little)];
    setRecordTime(this.#record, from.value.resolution, high, low);
    this.#record.comment =
      optionsAt === at + length - 4 ? undefined : comment(view, optionsAt, at + length - 4, little);
    const wire = view.getUint32(at + 24, little);
    this.#give(at + PACKET_HEAD_BYTES, capturedBytes, wire, from.number, visitRecord);
    return 'read';
  }

  /** Of the section's first interface, and without a time. */
  #readSimplePacket(
    view: DataView,
    at: number,
    length: number,
    little: boolean,
    visitRecord: VisitRecord,
  ): BlockResult {
    const from = this.#interfaceOf(0);
    if (!from) return { reason: 'bad-reference', what: 'a packet before any interface' };
    if (length < BLOCK_FRAME_BYTES + 4)
      return { reason: 'bad-length', what: 'a packet is too short' };
    const wire = view.getUint32(at + 8, little);
    const kept = from.value.snapBytes === 0 ? wire : Math.min(wire, from.value.snapBytes);
    const capturedBytes = Math.min(kept, length - BLOCK_FRAME_BYTES - 4);
    this.#record.seconds = 0;
    this.#record.nanosecond = 0;
    this.#record.comment = undefined;
    this.#give(at + 12, capturedBytes, wire, from.number, visitRecord);
    return 'read';
  }

  #readStatistics(view: DataView, at: number, length: number, little: boolean): BlockResult {
    if (length < 24) return { reason: 'bad-length', what: 'statistics are too short' };
    const from = this.#interfaceOf(view.getUint32(at + 8, little));
    if (!from) return { reason: 'bad-reference', what: 'statistics of an unknown interface' };
    const codes = [OPTION_STATISTICS_INTERFACE_DROPPED, OPTION_STATISTICS_SYSTEM_DROPPED];
    for (const { code, value } of optionsOf(view, at + 20, at + length - 4, little)) {
      if (!codes.includes(code) || value.length !== 8) continue;
      const dropped = Number(viewOf(value).getBigUint64(0, little));
      from.value.droppedPackets = (from.value.droppedPackets ?? 0) + dropped;
    }
    return 'read';
  }

  #give(
    at: number,
    capturedBytes: number,
    wire: number,
    interfaceNumber: number,
    visitRecord: VisitRecord,
  ): void {
    const record = this.#record;
    record.at = at;
    record.capturedBytes = capturedBytes;
    record.onWireBytes = Math.max(capturedBytes, wire);
    record.interfaceNumber = interfaceNumber;
    this.#frameCount += 1;
    visitRecord(record);
  }

  #interfaceOf(inSection: number): { number: number; value: OpenInterface } | undefined {
    const number = (this.#section?.firstInterface ?? 0) + inSection;
    const value = this.#interfaces[number];
    return value && { number, value };
  }

  /** `isLost`: where the next block begins is not known. Until it is found, that is one damage. */
  #fail(at: number, { reason, what }: Fault, isLost = true): void {
    if (isLost && this.#isSearching) return;
    this.#isSearching ||= isLost;
    this.#damageCount += 1;
    if (this.#damages.length >= DAMAGES_MAX) return;
    const place = this.#pendingAt + at;
    const message = `${what} (at byte ${place}; packets kept so far: ${this.#frameCount})`;
    this.#damages.push({ reason, at: place, message });
  }
}

/** Is the section little-endian? Undefined when its magic is in neither order. */
function sectionOrder(view: DataView, at: number): boolean | undefined {
  if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) return true;
  return view.getUint32(at + 8) === BYTE_ORDER_MAGIC ? false : undefined;
}

function isPacket(type: number): boolean {
  return [BLOCK_PACKET, BLOCK_PACKET_OBSOLETE, BLOCK_SIMPLE_PACKET].includes(type);
}

function comment(view: DataView, at: number, end: number, little: boolean): string | undefined {
  for (const { code, value } of optionsOf(view, at, end, little))
    if (code === OPTION_COMMENT) return utf8Text(value);
  return undefined;
}
