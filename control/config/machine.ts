/** What a configuration is checked against: the machine, or rather the network namespace, it is for. */
import { readFileSync } from 'node:fs';
import { endianness, networkInterfaces } from 'node:os';
import { cgroupRoot, isCgroup } from '../../datapath/binding/cgroup-tree.ts';
import {
  parseIpv4Address,
  type Endpoint,
  type Ipv4Address,
  type Port,
} from '../../packet/address.ts';

export interface Machine {
  interfaces(): readonly string[];
  /** Addresses of its interfaces. */
  addresses(): readonly Ipv4Address[];
  /** TCP sockets that accept connections over IPv4; 0.0.0.0 means every address. */
  listeningSockets(): readonly Endpoint[];
  /** Where the v2 cgroup hierarchy is mounted. */
  cgroupRoot(): string | undefined;
  /** Is this a cgroup of it? */
  isCgroup(path: string): boolean;
}

// In /proc/net/tcp.
const LISTEN = '0A';
const ANY = 0 as Ipv4Address;

/** This process's network namespace, read anew at each question. */
export const thisMachine: Machine = {
  // Not /sys/class/net: it belongs to the namespace in which /sys was mounted.
  interfaces: () => readInterfaces(readFileSync('/proc/self/net/dev', 'utf8')),
  addresses: () =>
    Object.values(networkInterfaces()).flatMap((entries) =>
      (entries ?? []).flatMap(({ address }) => {
        const read = parseIpv4Address(address);
        return read.ok ? [read.value] : [];
      }),
    ),
  listeningSockets: () => [
    ...readListening(readFileSync('/proc/self/net/tcp', 'utf8')),
    ...readListening(readIfThere('/proc/self/net/tcp6')),
  ],
  cgroupRoot,
  isCgroup,
};

/** Of /proc/net/dev: two lines of headings, then `  eth0: 1 2 3 …`. */
export function readInterfaces(text: string): string[] {
  return text
    .split('\n')
    .slice(2)
    .flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []);
}

/**
 * Of /proc/net/tcp and tcp6. A socket on `::` takes IPv4 connections too, unless it was
 * told not to, which cannot be seen here: it is counted as 0.0.0.0.
 */
export function readListening(text: string): Endpoint[] {
  return text.split('\n').flatMap((line) => {
    const [, addressHex, portHex, state] =
      /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line) ?? [];
    if (addressHex === undefined || portHex === undefined || state !== LISTEN) return [];
    const address = ipv4Of(addressHex);
    if (address === undefined) return [];
    return [{ address, port: Number.parseInt(portHex, 16) as Port }];
  });
}

/** Words of 32 bits in the machine's byte order, as the kernel prints them. */
function ipv4Of(hex: string): Ipv4Address | undefined {
  const words = hex.match(/.{8}/g) ?? [];
  const last = hostOrder(words.at(-1) ?? '0');
  if (words.length === 1) return last;
  const [a, b, c] = words.map(hostOrder);
  if (a !== 0 || b !== 0) return undefined;
  if (c === 0xffff) return last; // ::ffff:a.b.c.d
  return c === 0 && last === 0 ? ANY : undefined;
}

function hostOrder(word: string): Ipv4Address {
  const bytes = Buffer.from(word, 'hex');
  return (endianness() === 'LE' ? bytes.readUInt32LE() : bytes.readUInt32BE()) as Ipv4Address;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // IPv6 is switched off
  }
}
