/** One TCP segment at a time, out of a capture's memory: read where it lies, each field when asked for. */
import { IPV6_DESTINATION_AT, IPV6_SOURCE_AT } from '../../packet/ipv6.ts';
import { emptyQuoted, locateQuotedSegment } from '../../packet/quoted-segment.ts';
import type { RecordView } from '../../packet/record.ts';
import { emptyPlace, locateSegment, segmentFlags, segmentOptions } from '../../packet/segment.ts';
import { TCP_HEADER_BYTES } from '../../packet/tcp.ts';
import { parseTcpOptions } from '../../packet/tcp-options.ts';
import { emptyOptionScan, scanTcpOptions, type OptionScan } from '../../packet/tcp-option-scan.ts';
import { TOA4_BYTES } from '../../packet/toa.ts';
import { socketKey, type AddressBook, type AddressId, type SocketKey } from './address-book.ts';
import { signatureOf } from './signature.ts';

/** Captures at two points may keep different lengths: compared is what all but the shortest have. */
const HASHED_BYTES = 16;
/** NOP, NOP, timestamps of 10 bytes: what nearly every segment has after the handshake. */
const USUAL_OPTIONS = 0x0101080a;
const USUAL_OPTION_BYTES = 12;

export class SegmentReader {
  flags = 0;
  source = 0 as SocketKey;
  destination = 0 as SocketKey;
  readonly #book: AddressBook;
  readonly #place = emptyPlace();
  readonly #quoted = emptyQuoted();
  readonly #options: OptionScan = emptyOptionScan();
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor({ book }: { readonly book: AddressBook }) {
    this.#book = book;
  }

  /** False: no TCP, or too broken or cut to tell. */
  read(record: Readonly<RecordView>, linkType: number): boolean {
    const { bytes } = record;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const view = this.#view;
    if (!locateSegment(view, bytes, record, linkType, this.#place)) return false;
    this.flags = segmentFlags(view, this.#place);
    this.#readEnds(this.#place.family, this.#place.ipAt, this.#place.tcpAt);
    return true;
  }

  /** After `read` found no TCP: the segment that an ICMP error quotes, its ends as they were sent. */
  readQuoted(record: Readonly<RecordView>, linkType: number): boolean {
    const quoted = this.#quoted;
    if (!locateQuotedSegment(this.#view, this.#bytes, record, linkType, quoted)) return false;
    this.#readEnds(quoted.family, quoted.quotedIpAt, quoted.quotedTcpAt);
    return true;
  }

  get sequence(): number {
    return this.#view.getUint32(this.#place.tcpAt + 4);
  }

  get acknowledgment(): number {
    return this.#view.getUint32(this.#place.tcpAt + 8);
  }

  get ttl(): number {
    const { family, ipAt } = this.#place;
    return this.#view.getUint8(ipAt + (family === 4 ? 8 : 7));
  }

  /** 0: not told. */
  get ipId(): number {
    const { family, ipAt } = this.#place;
    return family === 4 ? this.#view.getUint16(ipAt + 4) : 0;
  }

  get ipBytes(): number {
    const { family, ipAt } = this.#place;
    return family === 4 ? this.#view.getUint16(ipAt + 2) : 40 + this.#view.getUint16(ipAt + 4);
  }

  /** NaN where the capture was cut. */
  get window(): number {
    const { tcpAt, end } = this.#place;
    return tcpAt + 16 <= end ? this.#view.getUint16(tcpAt + 14) : NaN;
  }

  get payloadBytes(): number {
    return this.#place.payloadBytes;
  }

  /** Of the first bytes and their number; NaN where there are none, or not enough were captured. */
  get payloadHash(): number {
    const { payloadBytes, payloadAt, end } = this.#place;
    const hashed = Math.min(payloadBytes, HASHED_BYTES);
    if (payloadBytes === 0 || payloadAt + hashed > end) return NaN;
    // FNV-1a, 32 bits.
    let hash = 0x811c9dc5 ^ payloadBytes;
    for (let at = payloadAt; at < payloadAt + hashed; at += 1)
      hash = Math.imul(hash ^ (this.#bytes[at] ?? 0), 0x01000193);
    return hash >>> 0;
  }

  /** Valid until the next call. */
  options(): OptionScan {
    const { tcpAt, payloadAt, end } = this.#place;
    scanTcpOptions(this.#bytes, tcpAt + TCP_HEADER_BYTES, Math.min(payloadAt, end), this.#options);
    return this.#options;
  }

  /** What stands for `options().signature` in reports. */
  optionText(): string {
    const options = parseTcpOptions(segmentOptions(this.#bytes, this.#place));
    return options.flatMap(signatureOf).join(',');
  }

  /** Neither TOA nor anything else but timestamps, told without looking at each option. */
  get hasUsualOptions(): boolean {
    const { tcpAt, payloadAt, end } = this.#place;
    const at = tcpAt + TCP_HEADER_BYTES;
    if (payloadAt === at) return true;
    return (
      payloadAt - at === USUAL_OPTION_BYTES &&
      at + 4 <= end &&
      this.#view.getUint32(at) === USUAL_OPTIONS
    );
  }

  /** The client that the option at `at` names. */
  toa(at: number): SocketKey {
    const view = this.#view;
    const address =
      view.getUint8(at + 1) === TOA4_BYTES
        ? this.#book.ipv4(view.getUint32(at + 4))
        : this.#book.ipv6(this.#bytes, at + 4);
    return socketKey(address, view.getUint16(at + 2));
  }

  get quotedSequence(): number {
    return this.#view.getUint32(this.#quoted.quotedTcpAt + 4);
  }

  /** Who sent the ICMP error. */
  get icmpSource(): AddressId {
    return this.#address(this.#quoted.family, this.#quoted.ipAt, true);
  }

  get icmpType(): number {
    return this.#quoted.type;
  }

  get icmpCode(): number {
    return this.#quoted.code;
  }

  #readEnds(family: 4 | 6, ipAt: number, tcpAt: number): void {
    const view = this.#view;
    this.source = socketKey(this.#address(family, ipAt, true), view.getUint16(tcpAt));
    this.destination = socketKey(this.#address(family, ipAt, false), view.getUint16(tcpAt + 2));
  }

  #address(family: 4 | 6, ipAt: number, isSource: boolean): AddressId {
    if (family === 4) return this.#book.ipv4(this.#view.getUint32(ipAt + (isSource ? 12 : 16)));
    return this.#book.ipv6(this.#bytes, ipAt + (isSource ? IPV6_SOURCE_AT : IPV6_DESTINATION_AT));
  }
}
