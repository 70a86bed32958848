/** Addresses replaced by others, the same one always by the same, in text and in captures. */
import { isIPv6 } from 'node:net';
import { formatIpv4Address, ipv4Address, parseIpv4Address } from '../../packet/address.ts';
import { viewOf } from '../../packet/bytes.ts';
import { updateChecksum32 } from '../../packet/checksum.ts';
import { ETHERTYPE_IPV4 } from '../../packet/ethernet.ts';
import { PROTOCOL_TCP } from '../../packet/ipv4.ts';
import { LINK_COOKED2, parseLink } from '../../packet/link.ts';
import { readPcap, writePcap, type CapturedFrame } from '../../packet/pcap.ts';
import { TCP_CHECKSUM_AT, TCP_HEADER_BYTES } from '../../packet/tcp.ts';
import { TOA4_BYTES, TOA_NUMBERS } from '../../packet/toa.ts';

/** 198.18.0.0/15 is for tests (RFC 2544): nobody's. */
const FIRST = ipv4Address('198.18.0.1');
const IPV4 = /\b\d{1,3}(?:\.\d{1,3}){3}\b/g;
/** Those with `::`, and those in full; three groups are a time of day. */
const IPV6 =
  /(?<![\w:])(?:[0-9a-f]{0,4}:){0,7}:(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?(?![\w:])|(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])/gi;
const MAC = /\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/gi;
/** Words of ranges and settings, not of anybody's machine. */
const KEPT = ['0.0.0.0', '127.0.0.1', '255.255.255.255', '::', '::1'];

const IP_SOURCE_AT = 12;
const IP_DESTINATION_AT = 16;
const IP_CHECKSUM_AT = 10;
const COOKED2_ADDRESS_AT = 12;
const COOKED2_ADDRESS_BYTES = 8;

export class AddressMask {
  readonly #masked = new Map<number, number>();
  readonly #masked6 = new Map<string, string>();

  text(text: string): string {
    return text
      .replace(IPV4, (word) => {
        const read = parseIpv4Address(word);
        return read.ok && !KEPT.includes(word)
          ? formatIpv4Address(ipv4Address(this.#of(read.value)))
          : word;
      })
      .replace(MAC, '02:00:00:00:00:00')
      .replace(IPV6, (word) => (KEPT.includes(word) || !isIPv6(word) ? word : this.#of6(word)));
  }

  /** What is not TCP over IPv4 is left out: it may quote addresses anywhere. */
  capture(pcap: Uint8Array): Uint8Array {
    const { header, frames } = readPcap(pcap);
    const linkType = header?.linkType ?? LINK_COOKED2;
    const masked = frames.flatMap((frame) => this.#frame(frame, linkType));
    return writePcap(masked, header ?? { linkType });
  }

  #of(address: number): number {
    const known = this.#masked.get(address);
    if (known !== undefined) return known;
    const next = FIRST + this.#masked.size;
    this.#masked.set(address, next);
    return next;
  }

  #of6(text: string): string {
    const known = this.#masked6.get(text);
    if (known !== undefined) return known;
    // 2001:db8::/32 is for documents (RFC 3849).
    const next = `2001:db8::${(this.#masked6.size + 1).toString(16)}`;
    this.#masked6.set(text, next);
    return next;
  }

  #frame(frame: CapturedFrame, linkType: number): CapturedFrame[] {
    const bytes = frame.bytes.slice();
    const link = parseLink(bytes, linkType);
    if (!link.ok || link.value.etherType !== ETHERTYPE_IPV4) return [];
    const view = viewOf(bytes);
    const ipAt = link.value.headerBytes;
    if (bytes.length < ipAt + 20 || view.getUint8(ipAt + 9) !== PROTOCOL_TCP) return [];
    const tcpAt = ipAt + (view.getUint8(ipAt) & 0x0f) * 4;
    if (bytes.length < tcpAt + TCP_HEADER_BYTES) return [];
    if (linkType === LINK_COOKED2)
      bytes.fill(0, COOKED2_ADDRESS_AT, COOKED2_ADDRESS_AT + COOKED2_ADDRESS_BYTES);
    const replace = (at: number, checksums: readonly number[]) => {
      const [before, after] = [view.getUint32(at), this.#of(view.getUint32(at))];
      view.setUint32(at, after);
      for (const sum of checksums)
        view.setUint16(sum, updateChecksum32(view.getUint16(sum), before, after));
    };
    const [ipSum, tcpSum] = [ipAt + IP_CHECKSUM_AT, tcpAt + TCP_CHECKSUM_AT];
    replace(ipAt + IP_SOURCE_AT, [ipSum, tcpSum]);
    replace(ipAt + IP_DESTINATION_AT, [ipSum, tcpSum]);
    const toaAt = toaAddressAt(bytes, tcpAt);
    // An address at an odd offset is not two words of the checksum: that is left as it is.
    if (toaAt !== undefined) replace(toaAt, (toaAt - tcpAt) % 2 === 0 ? [tcpSum] : []);
    return [{ ...frame, bytes }];
  }
}

function toaAddressAt(bytes: Uint8Array, tcpAt: number): number | undefined {
  const end = Math.min(bytes.length, tcpAt + ((bytes[tcpAt + 12] ?? 0) >> 4) * 4);
  for (let at = tcpAt + TCP_HEADER_BYTES; at < end;) {
    const [kind = 0, length = 0] = [bytes[at], bytes[at + 1]];
    if (kind === 0) return undefined;
    if (kind === 1) {
      at += 1;
      continue;
    }
    const isToa = length === TOA4_BYTES && TOA_NUMBERS.some((number) => number === kind);
    if (isToa && at + TOA4_BYTES <= end) return at + 4;
    if (length < 2) return undefined;
    at += length;
  }
  return undefined;
}
