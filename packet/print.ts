/**
 * One line per packet, in tcpdump's manner, numbers absolute and the length that of the IPv4 packet.
 *
 *   20:31:36.436453 10.0.124.161.5004 > 10.0.98.79.8056: S 3171571935 win 14600 length 60 <mss 1460,toa 10.0.88.100:21521>
 */
import { formatIpv4Address, type Ipv4Address, type Port } from './address.ts';
import { toHex } from './bytes.ts';
import { ETHERTYPE_ARP, ETHERTYPE_IPV6 } from './ethernet.ts';
import {
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  type IcmpMessage,
} from './icmp.ts';
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, type Ipv4Header } from './ipv4.ts';
import { parseFrame, verifyChecksums, type Ipv4Packet, type NotIpv4 } from './parse.ts';
import type { Parsed } from './parsed.ts';
import { hasFlag, type TcpHeader } from './tcp.ts';
import type { TcpOption } from './tcp-options.ts';
import { formatToaClient } from './toa.ts';
import type { Nanoseconds } from './unit.ts';

export interface PrintOptions {
  /** Printed in front, in UTC unless `utcOffsetSeconds` says otherwise. */
  readonly time?: Nanoseconds;
  readonly utcOffsetSeconds?: number;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400n;

/** Prints any bytes: broken ones say where, wrong checksums are named at the end. */
export function printFrame(frame: Uint8Array, options: PrintOptions = {}): string {
  return printParsed(parseFrame(frame), options) + badChecksums(frame);
}

export function printParsed(
  packet: Parsed<Ipv4Packet | NotIpv4>,
  options: PrintOptions = {},
): string {
  if (packet.ok) return printPacket(packet.value, options);
  return `${timePrefix(options)}malformed packet: ${packet.reason} at byte ${packet.at}`;
}

export function printPacket(packet: Ipv4Packet | NotIpv4, options: PrintOptions = {}): string {
  return timePrefix(options) + describe(packet);
}

/** `20:31:36.436453` */
export function printTime(time: Nanoseconds, utcOffsetSeconds = 0): string {
  const second = floorDivide(time, NANOSECONDS_PER_SECOND);
  const local = second + BigInt(utcOffsetSeconds);
  const ofDay = Number(local - floorDivide(local, SECONDS_PER_DAY) * SECONDS_PER_DAY);
  const clock = [Math.floor(ofDay / 3600), Math.floor(ofDay / 60) % 60, ofDay % 60];
  const micros = (time - second * NANOSECONDS_PER_SECOND) / 1000n;
  const hms = clock.map((number) => `${number}`.padStart(2, '0')).join(':');
  return `${hms}.${`${micros}`.padStart(6, '0')}`;
}

export function printTcpOption(option: TcpOption): string {
  switch (option.kind) {
    case 'nop':
      return 'nop';
    case 'end':
      return 'eol';
    case 'mss':
      return `mss ${option.bytes}`;
    case 'window-scale':
      return `wscale ${option.shift}`;
    case 'sack-permitted':
      return 'sackOK';
    case 'sack':
      return `sack ${option.blocks.map(({ left, right }) => `{${left}:${right}}`).join('')}`;
    case 'timestamps':
      return `TS val ${option.value} ecr ${option.echo}`;
    case 'fast-open':
      return option.cookie.length > 0 ? `tfo cookie ${toHex(option.cookie)}` : 'tfo cookiereq';
    case 'toa':
      return `toa ${formatToaClient(option)}`;
    case 'unknown':
      return `unknown-${option.number} 0x${toHex(option.data)}`;
    case 'malformed':
      return `[bad opt: ${option.reason} 0x${toHex(option.bytes)}]`;
  }
}

function describe(packet: Ipv4Packet | NotIpv4): string {
  if (packet.kind === 'not-ipv4')
    return `${etherTypeName(packet.etherType)} length ${packet.payload.length}`;
  const { ipv4 } = packet;
  const hosts = `${formatIpv4Address(ipv4.source)} > ${formatIpv4Address(ipv4.destination)}`;
  switch (packet.kind) {
    case 'tcp':
      return describeTcp(ipv4, packet.tcp);
    case 'icmp':
      return `${hosts}: ICMP ${describeIcmp(packet.icmp)} length ${ipv4.totalBytes}`;
    case 'fragment':
      return `${hosts}: ${protocolName(ipv4.protocol)} fragment ${describeFragment(ipv4)}`;
    case 'other':
      return `${hosts}: ${protocolName(ipv4.protocol)} length ${ipv4.totalBytes}`;
  }
}

function describeTcp(ipv4: Ipv4Header, tcp: TcpHeader): string {
  const payloadBytes = ipv4.totalBytes - ipv4.headerBytes - tcp.headerBytes;
  const last = (tcp.sequence + payloadBytes) % 2 ** 32;
  const words = [
    `${socket(ipv4.source, tcp.sourcePort)} > ${socket(ipv4.destination, tcp.destinationPort)}:`,
    tcp.flags.replace('A', '.') || 'none',
    payloadBytes > 0 ? `${tcp.sequence}:${last}(${payloadBytes})` : `${tcp.sequence}`,
    hasFlag(tcp, 'A') ? `ack ${tcp.acknowledgment}` : '',
    `win ${tcp.window}`,
    hasFlag(tcp, 'U') ? `urg ${tcp.urgentPointer}` : '',
    `length ${ipv4.totalBytes}`,
    tcp.options.length > 0 ? `<${tcp.options.map(printTcpOption).join(',')}>` : '',
  ];
  return words.filter((word) => word !== '').join(' ');
}

function describeIcmp(icmp: IcmpMessage): string {
  const name = icmpName(icmp);
  if (icmp.kind === 'other') return name;
  if (!icmp.quoted.ok) return `${name} about a packet that cannot be read,`;
  const { ipv4, sourcePort, destinationPort, sequence } = icmp.quoted.value;
  const from = socket(ipv4.source, sourcePort);
  const to = socket(ipv4.destination, destinationPort);
  const about = `${protocolName(ipv4.protocol)} ${from} > ${to}`;
  return `${name} about (${about}${sequence === undefined ? '' : ` seq ${sequence}`})`;
}

function icmpName({ type, code, parameter }: IcmpMessage): string {
  if (type === ICMP_ECHO_REQUEST || type === ICMP_ECHO_REPLY) {
    const id = `id ${parameter >>> 16} seq ${parameter & 0xffff}`;
    return `echo ${type === ICMP_ECHO_REQUEST ? 'request' : 'reply'} ${id}`;
  }
  if (type === ICMP_TIME_EXCEEDED) return `time exceeded (${code === 0 ? 'ttl' : 'reassembly'})`;
  if (type !== ICMP_UNREACHABLE) return `type ${type} code ${code}`;
  if (code === ICMP_FRAGMENTATION_NEEDED)
    return `unreachable (fragmentation needed, mtu ${parameter & 0xffff})`;
  return `unreachable (${UNREACHABLE_NAMES[code] ?? `code ${code}`})`;
}

/** RFC 792 and RFC 1812 section 5.2.7.1; by code. */
const UNREACHABLE_NAMES: Readonly<Record<number, string>> = {
  0: 'network',
  1: 'host',
  2: 'protocol',
  3: 'port',
  5: 'source route failed',
  9: 'network prohibited',
  10: 'host prohibited',
  13: 'administratively prohibited',
};

function describeFragment(ipv4: Ipv4Header): string {
  const more = ipv4.moreFragments ? ' more' : '';
  return `id ${ipv4.identification} offset ${ipv4.fragmentOffsetBytes}${more} length ${ipv4.totalBytes}`;
}

function badChecksums(frame: Uint8Array): string {
  const checked = verifyChecksums(frame);
  if (!checked.ok) return '';
  const { ipv4, transport } = checked.value;
  return (
    (ipv4 === 'bad' ? ' [bad ipv4 checksum]' : '') +
    (transport === 'bad' ? ' [bad transport checksum]' : '')
  );
}

function socket(address: Ipv4Address, port: Port | undefined): string {
  return formatIpv4Address(address) + (port === undefined ? '' : `.${port}`);
}

function protocolName(protocol: number): string {
  switch (protocol) {
    case PROTOCOL_TCP:
      return 'tcp';
    case PROTOCOL_UDP:
      return 'udp';
    case PROTOCOL_ICMP:
      return 'icmp';
    default:
      return `protocol ${protocol}`;
  }
}

function etherTypeName(etherType: number): string {
  if (etherType === ETHERTYPE_ARP) return 'ARP';
  if (etherType === ETHERTYPE_IPV6) return 'IPv6';
  return `ethertype 0x${etherType.toString(16).padStart(4, '0')}`;
}

function timePrefix({ time, utcOffsetSeconds }: PrintOptions): string {
  return time === undefined ? '' : `${printTime(time, utcOffsetSeconds)} `;
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
