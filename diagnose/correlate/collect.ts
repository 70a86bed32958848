/** One pass over a capture point's packets; what grows with it is the number of connections. */
import type { RecordView } from '../../packet/record.ts';
import { IPV6_DESTINATION_AT, IPV6_SOURCE_AT } from '../../packet/ipv6.ts';
import {
  emptyPlace,
  FLAG_ACK,
  FLAG_FIN,
  FLAG_RST,
  FLAG_SYN,
  locateSegment,
  segmentFlags,
  segmentOptions,
  type SegmentPlace,
} from '../../packet/segment.ts';
import { parseTcpOptions, type TcpOption } from '../../packet/tcp-options.ts';
import type { AddressBook, AddressId } from './address-book.ts';
import type { Connection, Seconds } from './connection.ts';
import { signatureOf } from './signature.ts';
import { TupleTable } from './tuple-table.ts';

interface Segment {
  readonly time: Seconds;
  readonly flags: number;
  readonly source: AddressId;
  readonly sourcePort: number;
  readonly destination: AddressId;
  readonly destinationPort: number;
}

/** A copy of one packet, taken twice: a SYN is never sent again so soon (RFC 6298: 1 s; least seen 0.2 s). */
const DUPLICATE_SECONDS = 0.1;
/** TOA comes on the SYN, on the handshake's last segment, or on the first data. */
const TOA_SEGMENTS = 6;
/** Captures at two points may keep different lengths: compared is what all but the shortest have. */
const HASHED_BYTES = 16;
/** Of connections that follow each other on one tuple: older ones are over. */
const SAME_TUPLE_MAX = 4;
const MODULO = 2 ** 32;

export class Collector {
  readonly connections: Connection[] = [];
  /** TCP segments that were read. */
  segments = 0;
  duplicates = 0;
  firstTime: Seconds | undefined;
  lastTime: Seconds | undefined;
  readonly #book: AddressBook;
  readonly #point: number;
  readonly #table = new TupleTable();
  /** Number of a connection → of the one before it with the same tuple. */
  readonly #previous = new Map<number, number>();
  readonly #place: SegmentPlace = emptyPlace();
  readonly #signatures = new Map<string, string>();
  #bytes: Uint8Array | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor({ book }: { readonly book: AddressBook }, point: number) {
    this.#book = book;
    this.#point = point;
  }

  add(record: Readonly<RecordView>, linkType: number): void {
    const time = record.seconds + record.nanosecond / 1e9;
    if (this.firstTime === undefined || time < this.firstTime) this.firstTime = time;
    if (this.lastTime === undefined || time > this.lastTime) this.lastTime = time;
    const { bytes } = record;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    if (!locateSegment(this.#view, bytes, record, linkType, this.#place)) return;
    this.segments += 1;
    this.#addSegment(this.#segment(time, bytes));
  }

  #segment(time: Seconds, bytes: Uint8Array): Segment {
    const { family, ipAt, tcpAt } = this.#place;
    const view = this.#view;
    const isIpv4 = family === 4;
    return {
      time,
      flags: segmentFlags(view, this.#place),
      source: isIpv4
        ? this.#book.ipv4(view.getUint32(ipAt + 12))
        : this.#book.ipv6(bytes, ipAt + IPV6_SOURCE_AT),
      sourcePort: view.getUint16(tcpAt),
      destination: isIpv4
        ? this.#book.ipv4(view.getUint32(ipAt + 16))
        : this.#book.ipv6(bytes, ipAt + IPV6_DESTINATION_AT),
      destinationPort: view.getUint16(tcpAt + 2),
    };
  }

  #addSegment(segment: Segment): void {
    const { flags } = segment;
    if ((flags & (FLAG_SYN | FLAG_ACK)) === FLAG_SYN) return this.#addSyn(segment);
    if ((flags & FLAG_SYN) !== 0) return this.#addSynAck(segment);
    const known = this.#find(segment);
    // A RST for a connection nobody saw opens none.
    if (!known && (flags & FLAG_RST) !== 0) return;
    const connection = known ?? this.#openMidway(segment);
    touch(connection, segment.time);
    if (isFromClient(connection, segment)) this.#addFromClient(connection, segment);
    else this.#addFromServer(connection, segment);
  }

  #addSyn(segment: Segment): void {
    const sequence = this.#view.getUint32(this.#place.tcpAt + 4);
    const known = this.#sameTuple(segment).find(
      (one) => one.isn === sequence && isFromClient(one, segment),
    );
    if (known) {
      touch(known, segment.time);
      this.#addTime(known.syns, segment.time);
      return;
    }
    const { source, sourcePort, destination, destinationPort } = segment;
    const connection = this.#open(source, sourcePort, destination, destinationPort, segment.time);
    connection.isn = sequence;
    connection.syns.push(segment.time);
    this.#describeSyn(connection);
  }

  #describeSyn(connection: Connection): void {
    const { family, ipAt, tcpAt } = this.#place;
    const view = this.#view;
    const isIpv4 = family === 4;
    connection.synBytes = isIpv4 ? view.getUint16(ipAt + 2) : 40 + view.getUint16(ipAt + 4);
    connection.ttl = view.getUint8(ipAt + (isIpv4 ? 8 : 7));
    connection.ipId = isIpv4 ? view.getUint16(ipAt + 4) || undefined : undefined;
    if (tcpAt + 16 <= this.#place.end) connection.window = view.getUint16(tcpAt + 14);
    const options = this.#options();
    for (const option of options) {
      if (option.kind === 'mss') connection.mss = option.bytes;
      else if (option.kind === 'timestamps') connection.timestamp = option.value;
      else if (option.kind === 'toa') this.#setToa(connection, option);
    }
    connection.options = this.#signature(options);
  }

  #addSynAck(segment: Segment): void {
    const { source, sourcePort, destination, destinationPort, time } = segment;
    const at = this.#place.tcpAt;
    const isn = (this.#view.getUint32(at + 8) + MODULO - 1) % MODULO;
    const connection =
      this.#sameTuple(segment).find((one) => one.isn === undefined || one.isn === isn) ??
      this.#open(destination, destinationPort, source, sourcePort, time);
    touch(connection, time);
    connection.isn ??= isn;
    this.#addTime(connection.synAcks, time);
    if (connection.serverIsn !== undefined) return;
    connection.serverIsn = this.#view.getUint32(at + 4);
    for (const option of this.#options())
      if (option.kind === 'timestamps') connection.serverTimestamp = option.value;
  }

  #addFromClient(connection: Connection, { time, flags }: Segment): void {
    connection.clientSegments += 1;
    if ((flags & FLAG_RST) !== 0) return this.#addReset(connection, time, 'client');
    connection.clientAck ??= time;
    if (connection.toa === undefined && connection.clientSegments <= TOA_SEGMENTS)
      for (const option of this.#options())
        if (option.kind === 'toa') this.#setToa(connection, option);
    if (connection.payloadHash === undefined) this.#hashPayload(connection);
    if ((flags & FLAG_FIN) !== 0) {
      connection.fin ??= time;
      connection.clientBytes ??= this.#bytesSince(connection.isn);
    }
  }

  #addFromServer(connection: Connection, { time, flags }: Segment): void {
    if ((flags & FLAG_RST) !== 0) return this.#addReset(connection, time, 'server');
    if ((flags & FLAG_FIN) !== 0) {
      connection.fin ??= time;
      connection.serverBytes ??= this.#bytesSince(connection.serverIsn);
    }
    if (connection.syns.length > 0 && connection.synAcks.length === 0 && !connection.clientAck)
      connection.strayAcks.push(time);
  }

  #addReset(connection: Connection, time: Seconds, from: 'client' | 'server'): void {
    const { family, ipAt } = this.#place;
    const ttl = this.#view.getUint8(ipAt + (family === 4 ? 8 : 7));
    const isAnswer =
      from === 'server' && connection.syns.length > 0 && connection.synAcks.length === 0;
    connection.reset ??= { time, from, isAnswer, ttl };
  }

  /** What was sent before this segment and with it. */
  #bytesSince(isn: number | undefined): number | undefined {
    if (isn === undefined) return undefined;
    const sequence = this.#view.getUint32(this.#place.tcpAt + 4);
    return (sequence + this.#place.payloadBytes + MODULO - isn - 1) % MODULO;
  }

  /** Only of the connection's first bytes: later ones would be others at another point. */
  #hashPayload(connection: Connection): void {
    const { payloadBytes, payloadAt, end, tcpAt } = this.#place;
    if (payloadBytes === 0 || connection.isn === undefined || !this.#bytes) return;
    if (this.#view.getUint32(tcpAt + 4) !== (connection.isn + 1) % MODULO) return;
    const hashed = Math.min(payloadBytes, HASHED_BYTES);
    if (payloadAt + hashed > end) return;
    // FNV-1a, 32 bits.
    let hash = 0x811c9dc5 ^ payloadBytes;
    for (let at = payloadAt; at < payloadAt + hashed; at += 1)
      hash = Math.imul(hash ^ (this.#bytes[at] ?? 0), 0x01000193);
    connection.payloadHash = hash >>> 0;
  }

  #addTime(times: Seconds[], time: Seconds): void {
    const last = times.at(-1);
    if (last !== undefined && Math.abs(time - last) < DUPLICATE_SECONDS) this.duplicates += 1;
    else times.push(time);
  }

  #options(): TcpOption[] {
    if (!this.#bytes || this.#place.payloadAt - this.#place.tcpAt === 20) return [];
    return parseTcpOptions(segmentOptions(this.#bytes, this.#place));
  }

  #setToa(connection: Connection, option: TcpOption & { kind: 'toa' }): void {
    const { client } = option;
    const address =
      option.family === 'ipv4'
        ? this.#book.ipv4(option.client.address)
        : this.#book.ipv6Text(option.client.address);
    connection.toa = { address, port: client.port };
  }

  /** One string for all connections that have it. */
  #signature(options: readonly TcpOption[]): string {
    const text = options.flatMap(signatureOf).join(',');
    const known = this.#signatures.get(text);
    if (known !== undefined) return known;
    this.#signatures.set(text, text);
    return text;
  }

  /**
   * The newest connection with this tuple; of several that share it, as where a collision went
   * unnoticed, the one whose sequence numbers are nearest.
   */
  #find(segment: Segment): Connection | undefined {
    const all = this.#sameTuple(segment);
    const [newest] = all;
    if (all.length < 2 || !newest) return newest;
    const view = this.#view;
    const { tcpAt } = this.#place;
    const distance = (one: Connection) => {
      if (one.isn === undefined) return MODULO;
      const number = view.getUint32(tcpAt + (isFromClient(one, segment) ? 4 : 8));
      return (number + MODULO - one.isn) % MODULO;
    };
    return all.reduce((best, one) => (distance(one) < distance(best) ? one : best), newest);
  }

  /** The newest first, and no more than a few. */
  #sameTuple({ source, sourcePort, destination, destinationPort }: Segment): Connection[] {
    let number = this.#table.get(source, sourcePort, destination, destinationPort);
    const found: Connection[] = [];
    while (number >= 0 && found.length < SAME_TUPLE_MAX) {
      const connection = this.connections[number];
      if (connection) found.push(connection);
      number = this.#previous.get(number) ?? -1;
    }
    return found;
  }

  /** Nobody saw a SYN: the lower port is taken for the server's. */
  #openMidway({ source, sourcePort, destination, destinationPort, time }: Segment): Connection {
    return sourcePort >= destinationPort
      ? this.#open(source, sourcePort, destination, destinationPort, time)
      : this.#open(destination, destinationPort, source, sourcePort, time);
  }

  #open(
    clientAddress: AddressId,
    clientPort: number,
    serverAddress: AddressId,
    serverPort: number,
    time: Seconds,
  ): Connection {
    const connection: Connection = {
      point: this.#point,
      clientAddress,
      clientPort,
      serverAddress,
      serverPort,
      firstSeen: time,
      lastSeen: time,
      syns: [],
      synAcks: [],
      isn: undefined,
      serverIsn: undefined,
      timestamp: undefined,
      serverTimestamp: undefined,
      ipId: undefined,
      synBytes: 0,
      ttl: 0,
      window: undefined,
      mss: undefined,
      options: undefined,
      toa: undefined,
      payloadHash: undefined,
      clientAck: undefined,
      clientBytes: undefined,
      serverBytes: undefined,
      fin: undefined,
      reset: undefined,
      strayAcks: [],
      clientSegments: 0,
    };
    const number = this.connections.push(connection) - 1;
    const previous = this.#table.get(clientAddress, clientPort, serverAddress, serverPort);
    if (previous >= 0) this.#previous.set(number, previous);
    this.#table.set(clientAddress, clientPort, serverAddress, serverPort, number);
    return connection;
  }
}

function isFromClient(connection: Connection, { source, sourcePort }: Segment): boolean {
  return connection.clientPort === sourcePort && connection.clientAddress === source;
}

function touch(connection: Connection, time: Seconds): void {
  if (time > connection.lastSeen) connection.lastSeen = time;
}
