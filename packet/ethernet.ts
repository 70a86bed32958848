/**
 * Ethernet II with any number of VLAN tags.
 *
 *   0              6              12     14
 *   | destination  | source       | type | payload …
 *   with tags, each before the type: | 0x8100 or 0x88a8 | priority, id |
 */
import { concat, viewOf } from './bytes.ts';
import { certain, misread, parsed, unparsed, type Parsed, type ParsedText } from './parsed.ts';
import type { Unit } from './unit.ts';

/** Six bytes in lower case with colons. */
export type MacAddress = Unit<string, 'MacAddress'>;

/** `control` is priority, drop bit and VLAN id as on the wire; `vlanId` gives the id. */
export interface VlanTag {
  readonly etherType: number;
  readonly control: number;
}

export interface EthernetHeader {
  readonly kind: 'ethernet';
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly tags: readonly VlanTag[];
  readonly etherType: number;
  readonly headerBytes: number;
}

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_SERVICE_VLAN = 0x88a8;

const MAC_BYTES = 6;
const TYPE_AT = 12;
const HEADER_BYTES = 14;
const TAG_BYTES = 4;

export function parseEthernet(frame: Uint8Array, at = 0): Parsed<EthernetHeader> {
  if (frame.length < at + HEADER_BYTES) return unparsed('truncated', frame.length);
  const view = viewOf(frame);
  const tags: VlanTag[] = [];
  let typeAt = at + TYPE_AT;
  while (isVlan(view.getUint16(typeAt))) {
    if (frame.length < typeAt + TAG_BYTES + 2) return unparsed('truncated', frame.length);
    tags.push({ etherType: view.getUint16(typeAt), control: view.getUint16(typeAt + 2) });
    typeAt += TAG_BYTES;
  }
  return parsed({
    kind: 'ethernet',
    destination: macAddressFromBytes(frame.subarray(at, at + MAC_BYTES)),
    source: macAddressFromBytes(frame.subarray(at + MAC_BYTES, at + TYPE_AT)),
    tags,
    etherType: view.getUint16(typeAt),
    headerBytes: typeAt + 2 - at,
  });
}

export function encodeEthernet(header: Omit<EthernetHeader, 'kind' | 'headerBytes'>): Uint8Array {
  return concat(
    macAddressBytes(header.destination),
    macAddressBytes(header.source),
    ...header.tags.map((tag) => words(tag.etherType, tag.control)),
    words(header.etherType),
  );
}

export function vlanId(tag: VlanTag): number {
  return tag.control & 0xfff;
}

export function parseMacAddress(text: string): ParsedText<MacAddress> {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)
    ? parsed(text.toLowerCase() as MacAddress)
    : misread('malformed', `'${text}' is not a link-layer address like 02:00:0a:00:58:64`);
}

/** `macAddress('02:00:0a:00:58:64')`; throws on anything else. */
export function macAddress(text: string): MacAddress {
  return certain(parseMacAddress(text));
}

export function macAddressFromBytes(bytes: Uint8Array): MacAddress {
  if (bytes.length !== MAC_BYTES)
    throw new RangeError(`a link-layer address has 6 bytes, got ${bytes.length}`);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':') as MacAddress;
}

export function macAddressBytes(address: MacAddress): Uint8Array {
  return Uint8Array.from(address.split(':'), (pair) => Number.parseInt(pair, 16));
}

function isVlan(etherType: number): boolean {
  return etherType === ETHERTYPE_VLAN || etherType === ETHERTYPE_SERVICE_VLAN;
}

function words(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 8, value & 255]));
}
