/** IPv4 addresses, ports and endpoints: text at the edges, numbers inside. */
import { isIpv6Text } from './ipv6-address.ts';
import { certain, misread, parsed, type ParsedText } from './parsed.ts';
import type { Unit } from './unit.ts';

/** Unsigned and in host order: 10.0.0.1 is 0x0a000001. */
export type Ipv4Address = Unit<number, 'Ipv4Address'>;
export type Port = Unit<number, 'Port'>;
export interface Endpoint {
  readonly address: Ipv4Address;
  readonly port: Port;
}

const PORT_MAX = 65_535;
const ADDRESS_MAX = 0xffff_ffff;

/** `parseIpv4Address('10.0.88.100')`; leading zeros are refused, for some read them as octal. */
export function parseIpv4Address(text: string): ParsedText<Ipv4Address> {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (!octets) {
    return isIpv6Text(text)
      ? misread('ipv6', `'${text}' is an IPv6 address; only IPv4 is supported yet`)
      : misread('malformed', `'${text}' is not an IPv4 address like 10.0.88.100`);
  }
  let address = 0;
  for (const octet of octets) {
    if (octet.length > 1 && octet.startsWith('0'))
      return misread('malformed', `'${text}' has a number with a leading zero: '${octet}'`);
    if (Number(octet) > 255)
      return misread('out-of-range', `'${text}' has a number above 255: ${octet}`);
    address = address * 256 + Number(octet);
  }
  return parsed(address as Ipv4Address);
}

export function parsePort(text: string): ParsedText<Port> {
  if (!/^\d{1,9}$/.test(text))
    return misread('malformed', `'${text}' is not a port, a number in 0..${PORT_MAX}`);
  if (Number(text) > PORT_MAX)
    return misread('out-of-range', `port must be in 0..${PORT_MAX}, got ${text}`);
  return parsed(Number(text) as Port);
}

/** `parseEndpoint('10.0.23.111:18056')` */
export function parseEndpoint(text: string): ParsedText<Endpoint> {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (isIpv6Text(bracketed?.[1] ?? text))
    return misread('ipv6', `'${text}' is an IPv6 address; only IPv4 is supported yet`);
  const colon = text.lastIndexOf(':');
  if (colon < 0)
    return misread('malformed', `'${text}' is not an address and port like 10.0.23.111:80`);
  const address = parseIpv4Address(text.slice(0, colon));
  if (!address.ok) return address;
  const number = parsePort(text.slice(colon + 1));
  if (!number.ok) return number;
  return parsed({ address: address.value, port: number.value });
}

export function formatIpv4Address(address: Ipv4Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

export function formatEndpoint({ address, port: number }: Endpoint): string {
  return `${formatIpv4Address(address)}:${number}`;
}

/** The address that a text or an unsigned number in host order stands for; throws on anything else. */
export function ipv4Address(from: string | number): Ipv4Address {
  if (typeof from === 'string') return certain(parseIpv4Address(from));
  if (!Number.isInteger(from) || from < 0 || from > ADDRESS_MAX)
    throw new RangeError(`an IPv4 address must be an integer in 0..${ADDRESS_MAX}, got ${from}`);
  return from as Ipv4Address;
}

export function port(number: number): Port {
  if (!Number.isInteger(number) || number < 0 || number > PORT_MAX)
    throw new RangeError(`port must be an integer in 0..${PORT_MAX}, got ${number}`);
  return number as Port;
}

/** `endpoint('10.0.88.100:21521')`; throws on anything else. */
export function endpoint(text: string): Endpoint {
  return certain(parseEndpoint(text));
}

/** The four bytes as they go on the wire. */
export function ipv4AddressBytes(address: Ipv4Address): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}
