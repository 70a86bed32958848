/** Addresses of both families as plain numbers, so that millions of packets compare and hash fast. */
import { formatIpv4Address, ipv4Address, parseEndpoint } from '../../packet/address.ts';
import {
  ipv6AddressBytes,
  ipv6AddressFromBytes,
  parseIpv6Address,
  type Ipv6Address,
} from '../../packet/ipv6-address.ts';
import type { Unit } from '../../packet/unit.ts';

/** An IPv4 address is its own number; an IPv6 one gets the next above all of them. */
export type AddressId = Unit<number, 'AddressId'>;

/** One number for address and port: what a Map is keyed by. */
export type SocketKey = Unit<number, 'SocketKey'>;

export const FIRST_IPV6 = 2 ** 32;
const PORTS = 65_536;
const IPV6_BYTES = 16;

/** One book for all capture points of a trace: equal addresses must get equal numbers. */
export class AddressBook {
  readonly #numbers = new Map<string, AddressId>();
  readonly #texts: string[] = [];

  ipv4(address: number): AddressId {
    return address as AddressId;
  }

  /** The 16 bytes at `at`. */
  ipv6(bytes: Uint8Array, at: number): AddressId {
    const sixteen = bytes.subarray(at, at + IPV6_BYTES);
    const key = String.fromCharCode(...sixteen);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const id = (FIRST_IPV6 + this.#texts.length) as AddressId;
    this.#numbers.set(key, id);
    this.#texts.push(ipv6AddressFromBytes(sixteen));
    return id;
  }

  /** The IPv6 addresses met so far, in the order of their numbers. */
  get ipv6Texts(): readonly string[] {
    return this.#texts;
  }

  ipv6Text(address: Ipv6Address): AddressId {
    return this.ipv6(ipv6AddressBytes(address), 0);
  }

  text(id: AddressId): string {
    if (id < FIRST_IPV6) return formatIpv4Address(ipv4Address(id));
    return this.#texts[id - FIRST_IPV6] ?? '?';
  }

  /** `10.0.88.100:21521`, `[2001:db8::1]:21521` */
  keyText(key: SocketKey): string {
    return this.socketText(addressOf(key), portOf(key));
  }

  socketText(id: AddressId, port: number): string {
    const text = this.text(id);
    return id < FIRST_IPV6 ? `${text}:${port}` : `[${text}]:${port}`;
  }

  /** The reverse of `socketText`; undefined for anything else. */
  socketOf(text: string): SocketKey | undefined {
    const bracketed = /^\[(.*)\]:(\d{1,5})$/.exec(text);
    if (bracketed) {
      const address = parseIpv6Address(bracketed[1] ?? '');
      return address.ok ? socketKey(this.ipv6Text(address.value), Number(bracketed[2])) : undefined;
    }
    const endpoint = parseEndpoint(text);
    return endpoint.ok
      ? socketKey(this.ipv4(endpoint.value.address), endpoint.value.port)
      : undefined;
  }
}

export function addressOf(key: SocketKey): AddressId {
  return Math.floor(key / PORTS) as AddressId;
}

export function portOf(key: SocketKey): number {
  return key % PORTS;
}

export function socketKey(id: AddressId, port: number): SocketKey {
  return (id * PORTS + port) as SocketKey;
}
