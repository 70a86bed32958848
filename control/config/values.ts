/** The single values of configuration files: numbers, names, durations, addresses, ports. */
import {
  parseAddressRange,
  parsePortRange,
  type AddressRange,
  type PortRange,
} from '../../packet/address-range.ts';
import {
  parseEndpoint,
  parseIpv4Address,
  type Endpoint,
  type Ipv4Address,
} from '../../packet/address.ts';
import {
  asAddressRange,
  ipRange,
  parseIpEndpoint,
  parseIpRange,
  type IpEndpoint,
  type IpRange,
} from '../../packet/ip.ts';
import type { ParsedText } from '../../packet/parsed.ts';
import { formatDurationMs, parseDurationMs } from './duration.ts';
import { show } from './problem.ts';
import { scalar, type Read } from './shape.ts';

/** A whole number; k, M, Ki and Mi are understood where `sizes` is set. */
export function wholeNumber(low: number, high: number, sizes: 'plain' | 'sizes' = 'plain') {
  const allowed = `must be a whole number in ${low}..${high}`;
  return scalar((value): Read<number> => {
    const number = sizes === 'sizes' && typeof value === 'string' ? readSize(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && number >= low && number <= high)
      return { ok: true, value: number };
    return fail(
      `${allowed}${sizes === 'sizes' ? ' (256Ki and 1M also work)' : ''}, got ${show(value)}`,
    );
  });
}

export function duration(lowMs: number, highMs: number) {
  return scalar((value): Read<number> => {
    const read = parseDurationMs(textOf(value));
    if (!read.ok) return fail(read.message);
    if (read.value >= lowMs && read.value <= highMs) return read;
    return fail(
      `must be in ${formatDurationMs(lowMs)}..${formatDurationMs(highMs)}, got ${show(value)}`,
    );
  });
}

/** A directory name, and the first part of namespace names. */
export function instanceName() {
  return named(
    /^[a-z0-9][a-z0-9-]{0,30}$/,
    'must be 1 to 31 of a-z, 0-9 and -, not beginning with -',
  );
}

export function name() {
  return named(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$/,
    'must be 1 to 63 letters, digits and . _ : -, beginning with a letter or digit',
  );
}

/** A file's or directory's whole path, without a slash at its end. */
export function absolutePath() {
  return named(
    /^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/,
    'must be a whole path like /sys/fs/cgroup/web.slice',
  );
}

/** As the kernel has it (IFNAMSIZ, dev_valid_name). */
export function interfaceName() {
  return named(/^(?!\.{1,2}$)[^\s/:]{1,15}$/, 'must be the name of a network interface, like eth0');
}

/** Loopback addresses are for who needs no network between: a process that connects to itself. */
type Hosts = 'hosts' | 'hosts-and-loopback';

/** Somebody's address and port: one host, one port above 0. */
export function hostEndpoint(allowed: Hosts = 'hosts') {
  return scalar((value): Read<Endpoint> => {
    const read = understood(value, parseEndpoint(textOf(value)));
    if (!read.ok) return read;
    const unusable = whyUnusable({ first: read.value.address, last: read.value.address }, allowed);
    if (unusable !== undefined) return fail(`${show(value)} ${unusable}`);
    return read.value.port === 0 ? fail(`${show(value)} has port 0; allowed are 1..65535`) : read;
  });
}

/** One address of a host. */
export function hostAddress(allowed: Hosts = 'hosts') {
  return scalar((value): Read<Ipv4Address> => {
    const read = understood(value, parseIpv4Address(textOf(value)));
    if (!read.ok) return read;
    const unusable = whyUnusable({ first: read.value, last: read.value }, allowed);
    return unusable === undefined ? read : fail(`${show(value)} ${unusable}`);
  });
}

/** One address, a CIDR block, or A-B, of hosts. */
export function hostRange(allowed: Hosts = 'hosts') {
  return scalar((value): Read<AddressRange> => {
    const read = understood(value, parseAddressRange(textOf(value)));
    if (!read.ok) return read;
    const unusable = whyUnusable(read.value, allowed);
    return unusable === undefined ? read : fail(`${show(value)} ${unusable}`);
  });
}

/** As `hostEndpoint`, of either family. */
export function ipHostEndpoint() {
  return scalar((value): Read<IpEndpoint> => {
    const read = understood(value, parseIpEndpoint(textOf(value)));
    if (!read.ok) return read;
    const { address, port } = read.value;
    const unusable = whyUnusableIp({ first: address, last: address });
    if (unusable !== undefined) return fail(`${show(value)} ${unusable}`);
    return port === 0 ? fail(`${show(value)} has port 0; allowed are 1..65535`) : read;
  });
}

/** As `hostRange`, of either family. */
export function ipHostRange() {
  return scalar((value): Read<IpRange> => {
    const read = understood(value, parseIpRange(textOf(value)));
    if (!read.ok) return read;
    const unusable = whyUnusableIp(read.value);
    return unusable === undefined ? read : fail(`${show(value)} ${unusable}`);
  });
}

/** The same of any addresses: a list may name those that no host should have. */
export function anyRange() {
  return scalar((value): Read<AddressRange> => understood(value, parseAddressRange(textOf(value))));
}

export function portRange() {
  return scalar((value): Read<PortRange> => {
    const read = understood(value, parsePortRange(textOf(value)));
    if (!read.ok) return read;
    return read.value.low === 0
      ? fail(`${show(value)} begins with port 0; allowed are 1..65535`)
      : read;
  });
}

export const LOOPBACK = { first: 0x7f00_0000, last: 0x7fff_ffff } as AddressRange;

// What no host may have as its address, as seen from another host (RFC 6890, RFC 5771).
const UNUSABLE = [
  { first: 0x0000_0000, last: 0x00ff_ffff, what: 'is in 0.0.0.0/8, which means "this network"' },
  {
    ...LOOPBACK,
    what: 'is a loopback address, which never leaves a machine',
  },
  {
    first: 0xe000_0000,
    last: 0xefff_ffff,
    what: 'is a multicast address; TCP needs a unicast one',
  },
  { first: 0xf000_0000, last: 0xffff_ffff, what: 'is a reserved or broadcast address' },
];

function whyUnusable({ first, last }: AddressRange, allowed: Hosts = 'hosts'): string | undefined {
  return UNUSABLE.filter((range) => allowed === 'hosts' || range.first !== LOOPBACK.first).find(
    (range) => first <= range.last && range.first <= last,
  )?.what;
}

// As above (RFC 6890, RFC 4291).
const UNUSABLE_IPV6 = [
  { range: ipRange('::-::1'), what: 'is the unspecified or the loopback address' },
  { range: ipRange('ff00::/8'), what: 'is a multicast address; TCP needs a unicast one' },
];

function whyUnusableIp(range: IpRange): string | undefined {
  const ipv4 = asAddressRange(range);
  if (ipv4 !== undefined) return whyUnusable(ipv4);
  return UNUSABLE_IPV6.find(({ range: bad }) => range.first <= bad.last && bad.first <= range.last)
    ?.what;
}

function named(pattern: RegExp, allowed: string) {
  return scalar((value): Read<string> => {
    if (typeof value !== 'string')
      return fail(
        `${allowed}, got ${show(value)}${typeof value === 'number' ? '; put it in quotes' : ''}`,
      );
    return pattern.test(value) ? { ok: true, value } : fail(`${allowed}, got ${show(value)}`);
  });
}

function understood<T>(value: unknown, read: ParsedText<T>): Read<T> {
  if (read.ok || read.reason !== 'ipv6') return read;
  return fail(`${show(value)} is IPv6; IPv6 is not supported yet`);
}

/** `ports: 8080` and `interval: 5` come out of YAML as numbers. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : show(value);
}

function readSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,10})(k|M|Ki|Mi)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const factor = { k: 1_000, M: 1_000_000, Ki: 1_024, Mi: 1_048_576 }[
    unit as 'k' | 'M' | 'Ki' | 'Mi'
  ];
  return Number(digits) * factor;
}

function fail(message: string): { ok: false; message: string } {
  return { ok: false, message };
}
