/** What the blocks of a pcapng file say: sections, interfaces, packets, statistics. */
import { utf8Text, viewOf } from './bytes.ts';
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
export type Fault = Pick<CaptureDamage, 'reason'> & { readonly what: string };
export type BlockResult = 'read' | Fault;

const INTERFACES_MAX = 65_536;

export class PcapngBlocks {
  /** Of all sections so far. */
  readonly interfaces: OpenInterface[] = [];
  packets = 0;
  readonly #record: RecordView = emptyRecord();
  #section: Section | undefined;

  /** Byte order of the section that is open. */
  get little(): boolean | undefined {
    return this.#section?.little;
  }

  /** Packets are in these bytes, which `view` shows, until told otherwise. */
  openBytes(bytes: Uint8Array): void {
    this.#record.bytes = bytes;
  }

  /** One whole block at `at`, its length checked; packets go to `visitRecord`. */
  read(view: DataView, at: number, length: number, visitRecord: VisitRecord): BlockResult {
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
    this.#section = { little, firstInterface: this.interfaces.length };
    return 'read';
  }

  #openInterface(view: DataView, at: number, length: number, little: boolean): BlockResult {
    if (length < 20) return { reason: 'bad-length', what: 'an interface is too short' };
    if (this.interfaces.length >= INTERFACES_MAX)
      return { reason: 'bad-length', what: `more than ${INTERFACES_MAX} interfaces` };
    const options = [...optionsOf(view, at + 16, at + length - 4, little)];
    const value = (code: number) => options.find((option) => option.code === code)?.value;
    const [name, filter] = [value(OPTION_INTERFACE_NAME), value(OPTION_INTERFACE_FILTER)];
    const offset = value(OPTION_INTERFACE_TIME_OFFSET);
    this.interfaces.push({
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
    const from = this.interfaceOf(inSection);
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
    const from = this.interfaceOf(0);
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
    const from = this.interfaceOf(view.getUint32(at + 8, little));
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
    this.packets += 1;
    visitRecord(record);
  }

  /** By the number it has within its section. */
  interfaceOf(inSection: number): { number: number; value: OpenInterface } | undefined {
    const number = (this.#section?.firstInterface ?? 0) + inSection;
    const value = this.interfaces[number];
    return value && { number, value };
  }
}

/** Is the section little-endian? Undefined when its magic is in neither order. */
export function sectionOrder(view: DataView, at: number): boolean | undefined {
  if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) return true;
  return view.getUint32(at + 8) === BYTE_ORDER_MAGIC ? false : undefined;
}

function comment(view: DataView, at: number, end: number, little: boolean): string | undefined {
  for (const { code, value } of optionsOf(view, at, end, little))
    if (code === OPTION_COMMENT) return utf8Text(value);
  return undefined;
}
