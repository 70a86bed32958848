/** Writes pcapng, block by block or whole; read back, it is what was written. */
import { concat, utf8Bytes, viewOf } from './bytes.ts';
import {
  BLOCK_FRAME_BYTES,
  BLOCK_HEAD_BYTES,
  BLOCK_INTERFACE,
  BLOCK_PACKET,
  BLOCK_SECTION,
  BLOCK_STATISTICS,
  BYTE_ORDER_MAGIC,
  OPTION_COMMENT,
  OPTION_END,
  OPTION_INTERFACE_FILTER,
  OPTION_INTERFACE_NAME,
  OPTION_INTERFACE_RESOLUTION,
  OPTION_STATISTICS_SYSTEM_DROPPED,
  padded,
  RESOLUTION_DEFAULT,
  VERSION_MAJOR,
  VERSION_MINOR,
  type PcapngOption,
} from './pcapng-format.ts';
import type { CapturedFrame } from './pcap.ts';
import type { CaptureInterface } from './record.ts';
import { unitsPerSecond } from './resolution.ts';

export type ByteOrder = 'little' | 'big';

export interface PcapngInterface extends CaptureInterface {
  /** if_tsresol: 9 for nanoseconds, 6 for microseconds. */
  readonly resolution: number;
}

export interface PcapngPacket extends CapturedFrame {
  /** Within the section, from 0. */
  readonly interfaceNumber: number;
  readonly comment?: string | undefined;
}

export interface PcapngSection {
  readonly byteOrder: ByteOrder;
  readonly interfaces: readonly PcapngInterface[];
  readonly packets: readonly PcapngPacket[];
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
/** Of a section that does not tell how long it is. */
const LENGTH_UNKNOWN = 0xffff_ffff;

export function writePcapng(sections: readonly PcapngSection[]): Uint8Array {
  return concat(
    ...sections.flatMap(({ byteOrder, interfaces, packets }) => [
      pcapngSection(byteOrder),
      ...interfaces.map((one) => pcapngInterface(one, byteOrder)),
      ...packets.map((packet) => pcapngPacket(packet, interfaces, byteOrder)),
      ...interfaces.map((one, i) => pcapngStatistics(one, i, byteOrder)),
    ]),
  );
}

export function pcapngSection(byteOrder: ByteOrder = 'little'): Uint8Array {
  const little = byteOrder === 'little';
  const body = new Uint8Array(16);
  const view = viewOf(body);
  view.setUint32(0, BYTE_ORDER_MAGIC, little);
  view.setUint16(4, VERSION_MAJOR, little);
  view.setUint16(6, VERSION_MINOR, little);
  view.setUint32(8, LENGTH_UNKNOWN, little);
  view.setUint32(12, LENGTH_UNKNOWN, little);
  return block(BLOCK_SECTION, body, [], little);
}

export function pcapngInterface(
  { linkType, snapBytes, name, filter, resolution }: PcapngInterface,
  byteOrder: ByteOrder = 'little',
): Uint8Array {
  const little = byteOrder === 'little';
  const body = new Uint8Array(8);
  const view = viewOf(body);
  view.setUint16(0, linkType, little);
  view.setUint32(4, snapBytes, little);
  const options: PcapngOption[] = [];
  if (name !== undefined) options.push({ code: OPTION_INTERFACE_NAME, value: utf8Bytes(name) });
  if (resolution !== RESOLUTION_DEFAULT)
    options.push({ code: OPTION_INTERFACE_RESOLUTION, value: Uint8Array.of(resolution) });
  if (filter !== undefined)
    options.push({
      code: OPTION_INTERFACE_FILTER,
      value: concat(Uint8Array.of(0), utf8Bytes(filter)),
    });
  return block(BLOCK_INTERFACE, body, options, little);
}

/** `interfaces` are those of the packet's section. */
export function pcapngPacket(
  { interfaceNumber, time, bytes, onWireBytes, comment }: PcapngPacket,
  interfaces: readonly PcapngInterface[],
  byteOrder: ByteOrder = 'little',
): Uint8Array {
  const from = interfaces[interfaceNumber];
  if (!from) throw new RangeError(`the section has no interface ${interfaceNumber}`);
  if (time < 0n) throw new RangeError(`a pcapng file holds times from 1970 on, got ${time} ns`);
  const little = byteOrder === 'little';
  const ticks = BigInt.asUintN(
    64,
    (time * unitsPerSecond(from.resolution)) / NANOSECONDS_PER_SECOND,
  );
  const head = new Uint8Array(20);
  const view = viewOf(head);
  view.setUint32(0, interfaceNumber, little);
  view.setUint32(4, Number(ticks >> 32n), little);
  view.setUint32(8, Number(ticks & 0xffff_ffffn), little);
  view.setUint32(12, bytes.length, little);
  view.setUint32(16, onWireBytes, little);
  const options =
    comment === undefined ? [] : [{ code: OPTION_COMMENT, value: utf8Bytes(comment) }];
  return block(BLOCK_PACKET, concat(head, toWords(bytes)), options, little);
}

/** What the kernel dropped at an interface; nothing when that is not known. */
export function pcapngStatistics(
  { droppedPackets }: CaptureInterface,
  interfaceNumber: number,
  byteOrder: ByteOrder = 'little',
): Uint8Array {
  if (droppedPackets === undefined) return new Uint8Array(0);
  const little = byteOrder === 'little';
  const body = new Uint8Array(12);
  viewOf(body).setUint32(0, interfaceNumber, little);
  const value = new Uint8Array(8);
  viewOf(value).setBigUint64(0, BigInt(droppedPackets), little);
  return block(BLOCK_STATISTICS, body, [{ code: OPTION_STATISTICS_SYSTEM_DROPPED, value }], little);
}

function block(
  type: number,
  body: Uint8Array,
  options: readonly PcapngOption[],
  little: boolean,
): Uint8Array {
  const encoded = options.map((option) => encodeOption(option, little));
  if (encoded.length > 0)
    encoded.push(encodeOption({ code: OPTION_END, value: new Uint8Array(0) }, little));
  const head = new Uint8Array(BLOCK_HEAD_BYTES);
  const tail = new Uint8Array(BLOCK_FRAME_BYTES - BLOCK_HEAD_BYTES);
  const whole = concat(head, body, ...encoded, tail);
  const view = viewOf(whole);
  view.setUint32(0, type, little);
  view.setUint32(4, whole.length, little);
  view.setUint32(whole.length - 4, whole.length, little);
  return whole;
}

function encodeOption({ code, value }: PcapngOption, little: boolean): Uint8Array {
  const kept = value.subarray(0, 0xffff);
  const head = new Uint8Array(4);
  viewOf(head).setUint16(0, code, little);
  viewOf(head).setUint16(2, kept.length, little);
  return concat(head, toWords(kept));
}

function toWords(bytes: Uint8Array): Uint8Array {
  return concat(bytes, new Uint8Array(padded(bytes.length) - bytes.length));
}
