/** Sets of addresses and ports as people write them: a CIDR block, A-B, LO-HI. */
import {
  formatIpv4Address,
  parseIpv4Address,
  parsePort,
  type Ipv4Address,
  type Port,
} from './address.ts';
import { certain, misread, parsed, type ParsedText } from './parsed.ts';

export interface Cidr {
  readonly network: Ipv4Address;
  readonly prefixBits: number;
}

/** Both ends belong to it. */
export interface AddressRange {
  readonly first: Ipv4Address;
  readonly last: Ipv4Address;
}

/** Both ends belong to it. */
export interface PortRange {
  readonly low: Port;
  readonly high: Port;
}

const ADDRESS_BITS = 32;

/** `parseCidr('10.0.124.160/28')`; bits beyond the prefix must be zero. */
export function parseCidr(text: string): ParsedText<Cidr> {
  const slash = text.indexOf('/');
  if (slash < 0) return misread('malformed', `'${text}' is not a block like 10.0.124.160/28`);
  const address = parseIpv4Address(text.slice(0, slash));
  if (!address.ok) return address;
  const prefix = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefix))
    return misread(
      'malformed',
      `'${text}' has no prefix length in 0..${ADDRESS_BITS} after the '/'`,
    );
  const prefixBits = Number(prefix);
  if (prefixBits > ADDRESS_BITS)
    return misread('out-of-range', `prefix length must be in 0..${ADDRESS_BITS}, got ${prefix}`);
  const network = firstOf(address.value, prefixBits);
  if (network !== address.value) {
    const meant = formatCidr({ network, prefixBits });
    return misread('host-bits', `'${text}' has bits set beyond its prefix; the block is ${meant}`);
  }
  return parsed({ network, prefixBits });
}

/** One address, a CIDR block, or `10.0.124.160-10.0.124.175`. */
export function parseAddressRange(text: string): ParsedText<AddressRange> {
  if (text.includes('/')) {
    const block = parseCidr(text);
    return block.ok ? parsed(cidrRange(block.value)) : block;
  }
  const [from = '', to, ...more] = text.split('-').map((part) => part.trim());
  if (more.length > 0) return misread('malformed', `'${text}' has more than one '-'`);
  const first = parseIpv4Address(from);
  if (!first.ok) return first;
  const last = to === undefined ? first : parseIpv4Address(to);
  if (!last.ok) return last;
  if (last.value < first.value)
    return misread(
      'out-of-range',
      `'${text}' ends before it begins; write the lower address first`,
    );
  return parsed({ first: first.value, last: last.value });
}

/** One port, or `1024-65535`. */
export function parsePortRange(text: string): ParsedText<PortRange> {
  const [from = '', to, ...more] = text.split('-').map((part) => part.trim());
  if (more.length > 0) return misread('malformed', `'${text}' has more than one '-'`);
  const low = parsePort(from);
  if (!low.ok) return low;
  const high = to === undefined ? low : parsePort(to);
  if (!high.ok) return high;
  if (high.value < low.value)
    return misread('out-of-range', `'${text}' ends before it begins; write the lower port first`);
  return parsed({ low: low.value, high: high.value });
}

export function formatCidr({ network, prefixBits }: Cidr): string {
  return `${formatIpv4Address(network)}/${prefixBits}`;
}

export function formatAddressRange({ first, last }: AddressRange): string {
  const from = formatIpv4Address(first);
  return first === last ? from : `${from}-${formatIpv4Address(last)}`;
}

export function formatPortRange({ low, high }: PortRange): string {
  return low === high ? `${low}` : `${low}-${high}`;
}

/** `cidr('10.0.124.160/28')`; throws on anything else. */
export function cidr(text: string): Cidr {
  return certain(parseCidr(text));
}

/** `addressRange('10.0.124.160/28')`; throws on anything else. */
export function addressRange(text: string): AddressRange {
  return certain(parseAddressRange(text));
}

/** `portRange('1024-65535')`; throws on anything else. */
export function portRange(text: string): PortRange {
  return certain(parsePortRange(text));
}

export function cidrRange({ network, prefixBits }: Cidr): AddressRange {
  const size = 2 ** (ADDRESS_BITS - prefixBits);
  return { first: network, last: (network + size - 1) as Ipv4Address };
}

/** The fewest blocks that together are the range, in order: what a prefix trie is filled with. */
export function rangeCidrs({ first, last }: AddressRange): Cidr[] {
  const blocks: Cidr[] = [];
  for (let at: number = first; at <= last;) {
    let size = 1;
    while (size < 2 ** ADDRESS_BITS && at % (size * 2) === 0 && at + size * 2 - 1 <= last)
      size *= 2;
    blocks.push({ network: at as Ipv4Address, prefixBits: ADDRESS_BITS - Math.log2(size) });
    at += size;
  }
  return blocks;
}

export function cidrContains({ network, prefixBits }: Cidr, address: Ipv4Address): boolean {
  return firstOf(address, prefixBits) === network;
}

export function rangeContains({ first, last }: AddressRange, address: Ipv4Address): boolean {
  return first <= address && address <= last;
}

export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function rangeSize({ first, last }: AddressRange): number {
  return last - first + 1;
}

/** Every address of the range, in order; network and broadcast addresses are not special here. */
export function* addressesOf({ first, last }: AddressRange): Generator<Ipv4Address, void> {
  for (let address: number = first; address <= last; address++) yield address as Ipv4Address;
}

function firstOf(address: Ipv4Address, prefixBits: number): Ipv4Address {
  const size = 2 ** (ADDRESS_BITS - prefixBits);
  return (Math.floor(address / size) * size) as Ipv4Address;
}
