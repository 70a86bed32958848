/**
 * The IPv4 header (RFC 791).
 *
 *    0               1               2               3
 *   +-------+-------+---------------+-------------------------------+
 *  0|version| words | traffic class | total length                  |
 *   +-------+-------+---------------+-----+-------------------------+
 *  4| identification                |0 D M| fragment offset / 8     |
 *   +---------------+---------------+-----+-------------------------+
 *  8| time to live  | protocol      | header checksum               |
 * 12| source                                                        |
 * 16| destination                                                   |
 * 20| options, up to 40 bytes …                                     |
 */
import { ipv4Address, type Ipv4Address } from './address.ts';
import { viewOf } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import { parsed, unparsed, type Parsed } from './parsed.ts';

export interface Ipv4Header {
  readonly headerBytes: number;
  readonly trafficClass: number;
  readonly totalBytes: number;
  readonly identification: number;
  readonly reservedFlag: boolean;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  readonly fragmentOffsetBytes: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly options: Uint8Array;
}

/** What a header is built from; lengths and checksum are computed unless given, `version` is 4. */
export interface Ipv4Fields extends Omit<Ipv4Header, 'headerBytes' | 'totalBytes' | 'checksum'> {
  readonly payloadBytes: number;
  readonly version?: number;
  readonly headerWords?: number;
  readonly totalBytes?: number;
  readonly checksum?: number;
}

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const IPV4_HEADER_BYTES = 20;

const TOTAL_MAX_BYTES = 65_535;
const RESERVED = 0x8000;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/**
 * Reads the header at `at`. The packet must end within `onWireBytes`, counted from
 * the start of `bytes`: more than `bytes.length` where a capture kept only its beginning.
 */
export function parseIpv4(
  bytes: Uint8Array,
  at = 0,
  onWireBytes: number = bytes.length,
): Parsed<Ipv4Header> {
  if (bytes.length < at + IPV4_HEADER_BYTES) return unparsed('truncated', bytes.length);
  const view = viewOf(bytes);
  if (view.getUint8(at) >>> 4 !== 4) return unparsed('bad-version', at);
  const headerBytes = (view.getUint8(at) & 15) * 4;
  if (headerBytes < IPV4_HEADER_BYTES) return unparsed('bad-length', at);
  if (bytes.length < at + headerBytes) return unparsed('truncated', bytes.length);
  const totalBytes = view.getUint16(at + 2);
  if (totalBytes < headerBytes) return unparsed('bad-length', at + 2);
  if (at + totalBytes > onWireBytes) return unparsed('truncated', onWireBytes);
  const fragment = view.getUint16(at + 6);
  return parsed({
    headerBytes,
    trafficClass: view.getUint8(at + 1),
    totalBytes,
    identification: view.getUint16(at + 4),
    reservedFlag: (fragment & RESERVED) !== 0,
    dontFragment: (fragment & DONT_FRAGMENT) !== 0,
    moreFragments: (fragment & MORE_FRAGMENTS) !== 0,
    fragmentOffsetBytes: (fragment & OFFSET_MASK) * 8,
    ttl: view.getUint8(at + 8),
    protocol: view.getUint8(at + 9),
    checksum: view.getUint16(at + 10),
    source: ipv4Address(view.getUint32(at + 12)),
    destination: ipv4Address(view.getUint32(at + 16)),
    options: bytes.slice(at + IPV4_HEADER_BYTES, at + headerBytes),
  });
}

/** Options are filled up with zeros (end of list) to a multiple of four bytes. */
export function encodeIpv4(fields: Ipv4Fields): Uint8Array {
  const headerBytes = IPV4_HEADER_BYTES + Math.ceil(fields.options.length / 4) * 4;
  if (headerBytes > 60)
    throw new RangeError(`IPv4 options must fit 40 bytes, got ${fields.options.length}`);
  if (fields.fragmentOffsetBytes % 8 !== 0)
    throw new RangeError(`a fragment offset is a multiple of 8, got ${fields.fragmentOffsetBytes}`);
  const totalBytes = fields.totalBytes ?? headerBytes + fields.payloadBytes;
  if (totalBytes > TOTAL_MAX_BYTES)
    throw new RangeError(`an IPv4 packet has at most ${TOTAL_MAX_BYTES} bytes, got ${totalBytes}`);
  const bytes = new Uint8Array(headerBytes);
  const view = viewOf(bytes);
  view.setUint8(0, ((fields.version ?? 4) << 4) | (fields.headerWords ?? headerBytes / 4));
  view.setUint8(1, fields.trafficClass);
  view.setUint16(2, totalBytes);
  view.setUint16(4, fields.identification);
  view.setUint16(6, fragmentWord(fields));
  view.setUint8(8, fields.ttl);
  view.setUint8(9, fields.protocol);
  view.setUint32(12, fields.source);
  view.setUint32(16, fields.destination);
  bytes.set(fields.options, IPV4_HEADER_BYTES);
  view.setUint16(10, fields.checksum ?? internetChecksum(bytes));
  return bytes;
}

function fragmentWord(fields: Ipv4Fields): number {
  return (
    (fields.reservedFlag ? RESERVED : 0) |
    (fields.dontFragment ? DONT_FRAGMENT : 0) |
    (fields.moreFragments ? MORE_FRAGMENTS : 0) |
    (fields.fragmentOffsetBytes / 8)
  );
}
