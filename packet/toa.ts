/**
 * TOA: the TCP option that carries the client's address and port from balancer to agent.
 *
 *   | kind | length 8  | port | IPv4 address |
 *   | kind | length 20 | port | IPv6 address, 16 bytes … |
 */
import {
  formatEndpoint,
  ipv4Address,
  ipv4AddressBytes,
  port,
  type Endpoint,
  type Port,
} from './address.ts';
import { concat, viewOf } from './bytes.ts';
import { ipv6AddressBytes, ipv6AddressFromBytes, type Ipv6Address } from './ipv6-address.ts';
import { parsed, unparsed, type Parsed } from './parsed.ts';

/**
 * Option numbers seen carrying it: 254 ours, LVS (IPv4) and DPVS (both); 253 LVS (IPv6);
 * 252 and 200 other providers. None is registered for it with IANA.
 */
export type ToaNumber = (typeof TOA_NUMBERS)[number];

export interface Endpoint6 {
  readonly address: Ipv6Address;
  readonly port: Port;
}

export type Toa =
  | { readonly number: ToaNumber; readonly family: 'ipv4'; readonly client: Endpoint }
  | { readonly number: ToaNumber; readonly family: 'ipv6'; readonly client: Endpoint6 };

export const TOA_NUMBERS = [254, 253, 252, 200] as const;
export const TOA_DEFAULT_NUMBER = 254;
export const TOA4_BYTES = 8;
export const TOA6_BYTES = 20;

/** `option` is the whole option, kind and length included. */
export function parseToa(option: Uint8Array): Parsed<Toa> {
  if (option.length < 2) return unparsed('truncated', option.length);
  const view = viewOf(option);
  const number = view.getUint8(0);
  if (!isToaNumber(number)) return unparsed('bad-type', 0);
  const length = view.getUint8(1);
  if (length !== TOA4_BYTES && length !== TOA6_BYTES) return unparsed('bad-length', 1);
  if (option.length < length) return unparsed('truncated', option.length);
  const clientPort = port(view.getUint16(2));
  if (length === TOA4_BYTES) {
    const client = { address: ipv4Address(view.getUint32(4)), port: clientPort };
    return parsed({ number, family: 'ipv4', client });
  }
  const address = ipv6AddressFromBytes(option.subarray(4, TOA6_BYTES));
  return parsed({ number, family: 'ipv6', client: { address, port: clientPort } });
}

export function encodeToa(toa: Toa): Uint8Array {
  const address =
    toa.family === 'ipv4'
      ? ipv4AddressBytes(toa.client.address)
      : ipv6AddressBytes(toa.client.address);
  const number = toa.client.port;
  return concat(Uint8Array.of(toa.number, 4 + address.length, number >>> 8, number), address);
}

/** `10.0.88.100:21521` or `[2001:db8::1]:21521` */
export function formatToaClient(toa: Toa): string {
  return toa.family === 'ipv4'
    ? formatEndpoint(toa.client)
    : `[${toa.client.address}]:${toa.client.port}`;
}

export function isToaNumber(number: number): number is ToaNumber {
  return (TOA_NUMBERS as readonly number[]).includes(number);
}
