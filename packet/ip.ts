/**
 * Addresses of both families in one space of 128 bits, as sockets have them: IPv4 has its place
 * at ::ffff:0:0/96 (RFC 4291 section 2.5.5.2).
 */
import { parseAddressRange, type AddressRange } from './address-range.ts';
import {
  formatIpv4Address,
  parseEndpoint,
  parsePort,
  type Endpoint,
  type Ipv4Address,
  type Port,
} from './address.ts';
import {
  IPV6_ADDRESS_BYTES,
  ipv6AddressBytes,
  ipv6AddressFromBytes,
  isIpv6Text,
  parseIpv6Address,
} from './ipv6-address.ts';
import { certain, misread, parsed, type ParsedText } from './parsed.ts';
import type { Unit } from './unit.ts';

export type IpAddress = Unit<bigint, 'IpAddress'>;

/** Both ends belong to it. */
export interface IpRange {
  readonly first: IpAddress;
  readonly last: IpAddress;
}

export interface IpEndpoint {
  readonly address: IpAddress;
  readonly port: Port;
}

export interface IpBlock {
  readonly network: IpAddress;
  /** Of 128, also for IPv4. */
  readonly prefixBits: number;
}

const BITS = 128;
const MAPPED = 0xffff_0000_0000n;
const IPV4_LAST = 0xffff_ffffn;

export function ipAddress(address: Ipv4Address): IpAddress {
  return (MAPPED + BigInt(address)) as IpAddress;
}

/** Undefined for an IPv6 address. */
export function asIpv4Address(address: IpAddress): Ipv4Address | undefined {
  const isIpv4 = address >= MAPPED && address <= MAPPED + IPV4_LAST;
  return isIpv4 ? (Number(address - MAPPED) as Ipv4Address) : undefined;
}

export function ipAddressFromBytes(bytes: Uint8Array): IpAddress {
  return bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n) as IpAddress;
}

export function ipAddressBytes(address: IpAddress): Uint8Array {
  return Uint8Array.from({ length: IPV6_ADDRESS_BYTES }, (_, i) =>
    Number((address >> BigInt(8 * (IPV6_ADDRESS_BYTES - 1 - i))) & 0xffn),
  );
}

/** One address, a block `2001:db8:124::/64`, or `2001:db8::1-2001:db8::9`; IPv4 as elsewhere. */
export function parseIpRange(text: string): ParsedText<IpRange> {
  if (!text.includes(':')) {
    const read = parseAddressRange(text);
    return read.ok ? parsed(ipRangeOf(read.value)) : read;
  }
  if (text.includes('/')) return parseBlock(text);
  const [from = '', to, ...more] = text.split('-').map((part) => part.trim());
  if (more.length > 0) return misread('malformed', `'${text}' has more than one '-'`);
  const first = readAddress(from);
  if (!first.ok) return first;
  const last = to === undefined ? first : readAddress(to);
  if (!last.ok) return last;
  if (last.value < first.value)
    return misread('out-of-range', `'${text}' ends before it begins; write the lower one first`);
  return parsed({ first: first.value, last: last.value });
}

/** `10.0.98.79:8056`, or `[2001:db8::79]:8056`. */
export function parseIpEndpoint(text: string): ParsedText<IpEndpoint> {
  const [, address, portText] = /^\[([^\]]*)\]:(.*)$/.exec(text) ?? [];
  if (address === undefined || portText === undefined) {
    if (isIpv6Text(text))
      return misread('malformed', `'${text}' needs brackets and a port: '[${text}]:80'`);
    const read = parseEndpoint(text);
    return read.ok ? parsed(ipEndpointOf(read.value)) : read;
  }
  const read = readAddress(address);
  if (!read.ok) return read;
  const port = parsePort(portText);
  return port.ok ? parsed({ address: read.value, port: port.value }) : port;
}

export function formatIpAddress(address: IpAddress): string {
  const ipv4 = asIpv4Address(address);
  return ipv4 === undefined
    ? ipv6AddressFromBytes(ipAddressBytes(address))
    : formatIpv4Address(ipv4);
}

export function formatIpRange({ first, last }: IpRange): string {
  const from = formatIpAddress(first);
  return first === last ? from : `${from}-${formatIpAddress(last)}`;
}

export function formatIpEndpoint({ address, port }: IpEndpoint): string {
  const text = formatIpAddress(address);
  return asIpv4Address(address) === undefined ? `[${text}]:${port}` : `${text}:${port}`;
}

/** `ipRange('10.0.124.160/28')`; throws on anything else. */
export function ipRange(text: string): IpRange {
  return certain(parseIpRange(text));
}

/** `ipEndpoint('[2001:db8::79]:8056')`; throws on anything else. */
export function ipEndpoint(text: string): IpEndpoint {
  return certain(parseIpEndpoint(text));
}

function ipRangeOf({ first, last }: AddressRange): IpRange {
  return { first: ipAddress(first), last: ipAddress(last) };
}

function ipEndpointOf({ address, port }: Endpoint): IpEndpoint {
  return { address: ipAddress(address), port };
}

/** As it is, or in its place among both families. */
export function anyRange(range: AddressRange | IpRange): IpRange {
  return typeof range.first === 'bigint' ? (range as IpRange) : ipRangeOf(range as AddressRange);
}

export function anyEndpoint(endpoint: Endpoint | IpEndpoint): IpEndpoint {
  return typeof endpoint.address === 'bigint'
    ? (endpoint as IpEndpoint)
    : ipEndpointOf(endpoint as Endpoint);
}

/** Undefined when it is not of IPv4 alone. */
export function asAddressRange({ first, last }: IpRange): AddressRange | undefined {
  const [from, to] = [asIpv4Address(first), asIpv4Address(last)];
  return from === undefined || to === undefined ? undefined : { first: from, last: to };
}

/** The fewest blocks that together are the range, in order: what a prefix trie is filled with. */
export function ipBlocks({ first, last }: IpRange): IpBlock[] {
  const blocks: IpBlock[] = [];
  for (let at: bigint = first; at <= last;) {
    let bits = 0n;
    const size = () => 1n << bits;
    while (bits < BITS && at % (size() * 2n) === 0n && at + size() * 2n - 1n <= last) bits += 1n;
    blocks.push({ network: at as IpAddress, prefixBits: BITS - Number(bits) });
    at += size();
  }
  return blocks;
}

function parseBlock(text: string): ParsedText<IpRange> {
  const slash = text.indexOf('/');
  const address = readAddress(text.slice(0, slash));
  if (!address.ok) return address;
  const prefix = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > BITS)
    return misread('malformed', `'${text}' has no prefix length in 0..${BITS} after the '/'`);
  const size = 1n << BigInt(BITS - Number(prefix));
  const network = (address.value - (address.value % size)) as IpAddress;
  if (network === address.value)
    return parsed({ first: network, last: (network + size - 1n) as IpAddress });
  const meant = `${formatIpAddress(network)}/${prefix}`;
  return misread('host-bits', `'${text}' has bits set beyond its prefix; the block is ${meant}`);
}

function readAddress(text: string): ParsedText<IpAddress> {
  const read = parseIpv6Address(text);
  return read.ok ? parsed(ipAddressFromBytes(ipv6AddressBytes(read.value))) : read;
}
