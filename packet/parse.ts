/** A whole frame → its layers; whatever the bytes are, the answer is a value. */
import { transportChecksum, internetChecksum } from './checksum.ts';
import { ETHERTYPE_IPV4, parseEthernet, type EthernetHeader } from './ethernet.ts';
import { parseIcmp, type IcmpMessage } from './icmp.ts';
import { parseIpv4, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, type Ipv4Header } from './ipv4.ts';
import { parsed, type Parsed } from './parsed.ts';
import { parseTcp, type TcpHeader } from './tcp.ts';

interface Ipv4Layers {
  readonly ipv4: Ipv4Header;
  /** What the innermost header that was read carries. */
  readonly payload: Uint8Array;
  /** Bytes of the packet that were on the wire and are not in the capture. */
  readonly missingBytes: number;
}

/** `fragment` is any part of a fragmented packet, the first one too. */
export type Ipv4Packet =
  | ({ readonly kind: 'tcp'; readonly tcp: TcpHeader } & Ipv4Layers)
  | ({ readonly kind: 'icmp'; readonly icmp: IcmpMessage } & Ipv4Layers)
  | ({ readonly kind: 'fragment' } & Ipv4Layers)
  | ({ readonly kind: 'other' } & Ipv4Layers);

export interface NotIpv4 {
  readonly kind: 'not-ipv4';
  readonly etherType: number;
  readonly payload: Uint8Array;
}

/** Bytes after the IPv4 packet, such as Ethernet's padding to 60, belong to no layer. */
export type Packet = (Ipv4Packet | NotIpv4) & { readonly ethernet: EthernetHeader };

export type ChecksumState = 'good' | 'bad';

/** `transport` is of TCP, UDP or ICMP. */
export interface Checksums {
  readonly ipv4: ChecksumState;
  readonly transport: ChecksumState | 'not-computed' | 'not-checkable';
}

/** `onWireBytes` is the frame's length before a capture cut it. */
export function parseFrame(frame: Uint8Array, onWireBytes: number = frame.length): Parsed<Packet> {
  const ethernet = parseEthernet(frame);
  if (!ethernet.ok) return ethernet;
  const { etherType, headerBytes } = ethernet.value;
  if (etherType !== ETHERTYPE_IPV4) {
    const payload = frame.slice(headerBytes);
    return parsed({ kind: 'not-ipv4', ethernet: ethernet.value, etherType, payload });
  }
  const packet = parseIpv4Packet(frame, headerBytes, onWireBytes);
  return packet.ok ? parsed({ ...packet.value, ethernet: ethernet.value }) : packet;
}

/** The IPv4 packet that begins at `at`, without a link-layer header. */
export function parseIpv4Packet(
  bytes: Uint8Array,
  at = 0,
  onWireBytes: number = bytes.length,
): Parsed<Ipv4Packet> {
  const header = parseIpv4(bytes, at, onWireBytes);
  if (!header.ok) return header;
  const ipv4 = header.value;
  const inside = bytes.subarray(0, Math.min(bytes.length, at + ipv4.totalBytes));
  const missingBytes = at + ipv4.totalBytes - inside.length;
  const bodyAt = at + ipv4.headerBytes;
  if (isFragment(ipv4))
    return parsed({ kind: 'fragment', ipv4, missingBytes, payload: inside.slice(bodyAt) });
  switch (ipv4.protocol) {
    case PROTOCOL_TCP: {
      const tcp = parseTcp(inside, bodyAt);
      if (!tcp.ok) return tcp;
      const payload = inside.slice(bodyAt + tcp.value.headerBytes);
      return parsed({ kind: 'tcp', ipv4, tcp: tcp.value, missingBytes, payload });
    }
    case PROTOCOL_ICMP: {
      const icmp = parseIcmp(inside, bodyAt);
      if (!icmp.ok) return icmp;
      return parsed({
        kind: 'icmp',
        ipv4,
        icmp: icmp.value,
        missingBytes,
        payload: icmp.value.body,
      });
    }
    default:
      return parsed({ kind: 'other', ipv4, missingBytes, payload: inside.slice(bodyAt) });
  }
}

/** Checks what a frame's checksums cover; not IPv4, or too broken to find them, is a parse failure. */
export function verifyChecksums(frame: Uint8Array): Parsed<Checksums> {
  const ethernet = parseEthernet(frame);
  if (!ethernet.ok) return ethernet;
  return verifyIpv4Checksums(frame, ethernet.value.headerBytes);
}

export function verifyIpv4Checksums(
  bytes: Uint8Array,
  at = 0,
  onWireBytes: number = bytes.length,
): Parsed<Checksums> {
  const header = parseIpv4(bytes, at, onWireBytes);
  if (!header.ok) return header;
  const bodyAt = at + header.value.headerBytes;
  return parsed({
    ipv4: stateOf(internetChecksum(bytes.subarray(at, bodyAt))),
    transport: transportState(header.value, bytes.subarray(bodyAt, at + header.value.totalBytes)),
  });
}

function transportState(ipv4: Ipv4Header, body: Uint8Array): Checksums['transport'] {
  const cut = body.length < ipv4.totalBytes - ipv4.headerBytes;
  if (cut || isFragment(ipv4)) return 'not-checkable';
  const pseudo = { ...ipv4, lengthBytes: body.length };
  switch (ipv4.protocol) {
    case PROTOCOL_TCP:
      return stateOf(transportChecksum(body, pseudo));
    case PROTOCOL_UDP:
      // RFC 768: zero means that the sender computed none.
      return body[6] === 0 && body[7] === 0
        ? 'not-computed'
        : stateOf(transportChecksum(body, pseudo));
    case PROTOCOL_ICMP:
      return stateOf(internetChecksum(body));
    default:
      return 'not-checkable';
  }
}

/** Covered bytes that include their correct checksum sum up to zero. */
function stateOf(residue: number): ChecksumState {
  return residue === 0 ? 'good' : 'bad';
}

function isFragment(ipv4: Ipv4Header): boolean {
  return ipv4.moreFragments || ipv4.fragmentOffsetBytes > 0;
}
