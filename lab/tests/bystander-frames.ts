/** Frames that are for no listener, no local and no guarded server: rows of every kind that a wire carries. */

import { ethernet, icmpEcho, ip, tcp, udp, type PacketFields } from '../../packet/build.ts';
import { concat } from '../../packet/bytes.ts';
import { internetChecksum } from '../../packet/checksum.ts';
import { mss, sackPermitted, timestamps, toa, windowScale } from '../../packet/tcp-options.ts';

export type Link = { source: string; destination: string };
export type Frame = { name: string; bytes: Uint8Array };

const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_LLDP = 0x88cc;
const TAGGED = { tags: [{ etherType: 0x8100, control: 5 }] };
const GRE = 47;
const SCTP = 132;
const EXPERIMENT = 253; // RFC 3692
const ICMP = 1;
const TCP = 6;
const FRAGMENT_BYTES = 1_480;

/** The options of a Linux SYN, with a client address that somebody else's balancer put in. */
const SYN_OPTIONS = [toa('10.0.1.2:3'), mss(1460), sackPermitted, timestamps(1), windowScale(7)];
const MANY = Uint8Array.from({ length: 1_400 }, (_, i) => (i * 7) & 0xff);
/** Router alert (RFC 2113), which asks for nothing here. */
const IP_OPTIONS = Uint8Array.from([148, 4, 0, 0]);

/** To `target` from `client`, over `link`. */
export function framesTo(target: string, client: string, link: Link): Frame[] {
  const at = { ethernet: link };
  const from = (port: number) => `${client}:${port}`;
  const to = (port: number) => `${target}:${port}`;
  const hosts = { ...at, from: client, to: target };
  return [
    { name: 'UDP, empty', bytes: udp({ ...at, from: from(1), to: to(18056) }) },
    { name: 'UDP, one byte', bytes: udp({ ...at, from: from(2), to: to(18056), payload: 'x' }) },
    { name: 'UDP, 1400 bytes', bytes: udp({ ...at, from: from(3), to: to(8056), payload: MANY }) },
    {
      name: 'UDP with a wrong checksum',
      bytes: udp({ ...at, from: from(4), to: to(9), payload: 'x', badChecksum: 'transport' }),
    },
    { name: 'ping', bytes: icmpEcho({ ...hosts, payload: 'x'.repeat(56) }) },
    { name: 'ping, odd', bytes: icmpEcho({ ...hosts, identifier: 2, payload: 'x'.repeat(57) }) },
    ...fragments('ping of 4000 bytes', hosts, ICMP, pingOf4000(hosts)),
    {
      name: 'SYN with TOA',
      bytes: tcp({ ...at, from: from(5), to: to(18058), flags: 'S', options: SYN_OPTIONS }),
    },
    {
      name: 'SYN, ECN, with a class of traffic',
      bytes: tcp({ ...at, from: from(6), to: to(18058), flags: 'SEW', trafficClass: 0xb9 }),
    },
    {
      name: 'data',
      bytes: tcp({
        ...{ ...at, from: from(7), to: to(18058), flags: 'PA', payload: MANY },
        ...{ sequence: 1, acknowledgment: 2, options: [timestamps(3, 4)] },
      }),
    },
    {
      name: 'data with a wrong checksum',
      bytes: tcp({
        ...{ ...at, from: from(8), to: to(18058), flags: 'A', acknowledgment: 2, payload: 'abc' },
        badChecksum: 'transport',
      }),
    },
    {
      name: 'data with IP options',
      bytes: tcp({
        ...{ ...at, from: from(9), to: to(18058), flags: 'A', acknowledgment: 2 },
        ipOptions: IP_OPTIONS,
      }),
    },
    ...fragments('TCP', hosts, TCP, tcpOf4000(from(10), to(18058))),
    {
      name: 'a wrong IPv4 checksum',
      bytes: tcp({ ...at, from: from(11), to: to(18058), flags: 'S', badChecksum: 'ipv4' }),
    },
    {
      name: 'a TCP header that ends too soon',
      bytes: ip({ ...hosts, protocol: TCP, payload: Uint8Array.from([1, 2, 3, 4, 5, 6]) }),
    },
    {
      name: 'Ethernet padding',
      bytes: udp({ ...at, from: from(12), to: to(9), payload: 'x', trailer: new Uint8Array(17) }),
    },
    { name: 'GRE', bytes: ip({ ...hosts, protocol: GRE, payload: MANY.subarray(0, 33) }) },
    { name: 'SCTP', bytes: ip({ ...hosts, protocol: SCTP, payload: MANY.subarray(0, 32) }) },
    { name: 'protocol 253', bytes: ip({ ...hosts, protocol: EXPERIMENT, payload: '' }) },
    { name: 'TTL 1', bytes: udp({ ...at, from: from(13), to: to(9), ttl: 1 }) },
    {
      name: 'UDP in a VLAN',
      bytes: udp({ ethernet: { ...link, ...TAGGED }, from: from(14), to: to(9), payload: 'x' }),
    },
  ];
}

/** What is not IPv4. */
export function otherFrames(
  link: Link,
  arp: { sender: string; asked: readonly string[] },
  ipv6: { from: string; to: string },
): Frame[] {
  return [
    ...arp.asked.map((address) => ({
      name: `ARP: who has ${address}`,
      bytes: ethernet(
        { ...link, etherType: ETHERTYPE_ARP },
        arpRequest(link.source, arp.sender, address),
      ),
    })),
    {
      name: 'IPv6 ping',
      bytes: ethernet({ ...link, etherType: ETHERTYPE_IPV6 }, ping6(ipv6.from, ipv6.to)),
    },
    { name: 'LLDP', bytes: ethernet({ ...link, etherType: ETHERTYPE_LLDP }, MANY.subarray(0, 50)) },
  ];
}

/** SYNs to a listener that the kernel would not take for its own: another VLAN, another machine, everybody. */
export function notForThisMachine(listener: string, client: string, link: Link): Frame[] {
  const syn = (port: number, ethernet: PacketFields['ethernet']) =>
    tcp({ ...{ ethernet: ethernet ?? {} }, from: `${client}:${port}`, to: listener, flags: 'S' });
  return [
    { name: 'SYN in a VLAN', bytes: syn(31, { ...link, ...TAGGED }) },
    {
      name: 'SYN to another machine',
      bytes: syn(32, { ...link, destination: '02:00:00:00:00:99' }),
    },
    { name: 'SYN to everybody', bytes: syn(33, { ...link, destination: 'ff:ff:ff:ff:ff:ff' }) },
    { name: 'SYN to a group', bytes: syn(34, { ...link, destination: '01:00:5e:00:00:01' }) },
  ];
}

type Hosts = PacketFields & { from: string; to: string };

function pingOf4000(hosts: Hosts): Uint8Array {
  const whole = icmpEcho({ ...hosts, identifier: 3, payload: new Uint8Array(4_000).fill(0x5a) });
  return whole.subarray(whole.length - 4_008);
}

function tcpOf4000(from: string, to: string): Uint8Array {
  const payload = new Uint8Array(4_000).fill(0xa5);
  const whole = tcp({ from, to, flags: 'PA', acknowledgment: 1, payload });
  return whole.subarray(whole.length - 4_020);
}

function fragments(name: string, hosts: Hosts, protocol: number, body: Uint8Array): Frame[] {
  const count = Math.ceil(body.length / FRAGMENT_BYTES);
  return Array.from({ length: count }, (_, i) => {
    const offsetBytes = i * FRAGMENT_BYTES;
    return {
      name: `${name}, fragment ${i + 1} of ${count}`,
      bytes: ip({
        ...{ ...hosts, protocol, identification: 0x1234 },
        fragment: { offsetBytes, more: i + 1 < count },
        payload: body.subarray(offsetBytes, offsetBytes + FRAGMENT_BYTES),
      }),
    };
  });
}

function arpRequest(mac: string, sender: string, asked: string): Uint8Array {
  return concat(
    Uint8Array.from([0, 1, 8, 0, 6, 4, 0, 1]),
    ...[macBytes(mac), addressBytes(sender), new Uint8Array(6), addressBytes(asked)],
  );
}

/** An echo request (RFC 4443 section 4.1). */
function ping6(from: string, to: string): Uint8Array {
  const ICMPV6 = 58;
  const [source, destination] = [address6(from), address6(to)];
  const echo = concat(Uint8Array.from([128, 0, 0, 0, 0, 7, 0, 1]), MANY.subarray(0, 57));
  const pseudo = Uint8Array.from([0, 0, 0, echo.length, 0, 0, 0, ICMPV6]);
  const checksum = internetChecksum(concat(source, destination, pseudo, echo));
  echo.set([checksum >>> 8, checksum & 0xff], 2);
  const head = Uint8Array.from([0x60, 0, 0, 0, 0, echo.length, ICMPV6, 64]);
  return concat(head, source, destination, echo);
}

const macBytes = (mac: string) => Uint8Array.from(mac.split(':'), (byte) => parseInt(byte, 16));
const addressBytes = (address: string) => Uint8Array.from(address.split('.'), Number);

/** `fd00:23::1`: groups, a gap, groups. */
function address6(text: string): Uint8Array {
  const [head = '', tail = ''] = text.split('::');
  const words = (part: string) => part.split(':').filter(Boolean);
  const bytes = (part: string) =>
    words(part).flatMap((word) => [parseInt(word, 16) >>> 8, parseInt(word, 16) & 0xff]);
  const [first, last] = [bytes(head), bytes(tail)];
  const gap = Array.from({ length: 16 - first.length - last.length }, () => 0);
  return Uint8Array.from([...first, ...gap, ...last]);
}
