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

import { asIpv4Address, ipAddress, type IpAddress, type IpEndpoint } from '../../packet/ip.ts';

export interface Machine {
  interfaces(): readonly string[];
  /** Addresses of its interfaces. */
  addresses(): readonly Ipv4Address[];
  /** TCP sockets that accept connections over IPv4; 0.0.0.0 means every address. */
  listeningSockets(): readonly Endpoint[];
  /** Where the v2 cgroup hierarchy is mounted. */
  cgroupRoot(): string | undefined;
  /** A file that the configuration names. */
  readText(path: string): ReadText;
  /** Is this a cgroup of it? */
  isCgroup(path: string): boolean;
}

export type ReadText =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

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
  readText,
  isCgroup,
};

function readText(path: string): ReadText {
  try {
    return { ok: true, text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

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
  return readListeningIp(text).flatMap(({ address, port }) => {
    const ipv4 = address === 0n ? ANY : asIpv4Address(address);
    return ipv4 === undefined ? [] : [{ address: ipv4, port }];
  });
}

/** The same of both families, as it is there. */
export function readListeningIp(text: string): IpEndpoint[] {
  return text.split('\n').flatMap((line) => {
    const [, address, portHex, state] =
      /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line) ?? [];
    if (address === undefined || portHex === undefined || state !== LISTEN) return [];
    return [{ address: addressOf(address), port: Number.parseInt(portHex, 16) as Port }];
  });
}

/** Words of 32 bits in the machine's byte order, as the kernel prints them. */
function addressOf(hex: string): IpAddress {
  const words = (hex.match(/.{8}/g) ?? []).map(hostOrder);
  const [only] = words;
  if (words.length === 1 && only !== undefined) return ipAddress(only);
  return words.reduce((sum, word) => (sum << 32n) + BigInt(word), 0n) as IpAddress;
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
