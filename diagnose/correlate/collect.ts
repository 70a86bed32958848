/** One pass over a capture point's packets; what grows with it is the number of connections. */
import type { RecordView } from '../../packet/record.ts';
import { FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN } from '../../packet/segment.ts';
import { portOf, type AddressBook, type SocketKey } from './address-book.ts';
import type { Seconds } from './connection.ts';
import {
  ConnectionTable,
  NONE,
  RESET_BY_SERVER,
  RESET_IS_ANSWER,
  type FurtherTimes,
} from './connection-table.ts';
import { SegmentReader } from './segment-reader.ts';
import { TupleTable } from './tuple-table.ts';

/** A copy of one packet, taken twice: a SYN is never sent again so soon (RFC 6298: 1 s; least seen 0.2 s). */
const DUPLICATE_SECONDS = 0.1;
/** TOA comes on the SYN, on the handshake's last segment, or on the first data. */
const TOA_SEGMENTS = 6;
/** `clientSegments` has 8 bits; nobody asks for more. */
const SEGMENTS_COUNTED = 255;
/** Of connections that follow each other on one tuple: older ones are over. */
const SAME_TUPLE_MAX = 4;
const MODULO = 2 ** 32;

export class Collector {
  readonly table = new ConnectionTable();
  /** TCP segments that were read. */
  segments = 0;
  duplicates = 0;
  /** Infinities while there was no packet. */
  firstTime: Seconds = Infinity;
  lastTime: Seconds = -Infinity;
  readonly #tuples = new TupleTable();
  readonly #segment: SegmentReader;

  constructor(tools: { readonly book: AddressBook }) {
    this.#segment = new SegmentReader(tools);
  }

  add(record: Readonly<RecordView>, linkType: number): void {
    const time = record.seconds + record.nanosecond / 1e9;
    if (time < this.firstTime) this.firstTime = time;
    if (time > this.lastTime) this.lastTime = time;
    const segment = this.#segment;
    if (segment.read(record, linkType)) {
      this.segments += 1;
      this.#addSegment(time);
    } else if (segment.readQuoted(record, linkType)) this.#addIcmpError(time);
  }

  #addSegment(time: Seconds): void {
    const { flags, source, destination } = this.#segment;
    if ((flags & FLAG_SYN) !== 0) {
      if ((flags & FLAG_ACK) === 0) this.#addSyn(time);
      else this.#addSynAck(time);
      return;
    }
    let number = this.#find();
    if (number === NONE) {
      // A RST for a connection nobody saw opens none.
      if ((flags & FLAG_RST) !== 0) return;
      // Nobody saw a SYN: the lower port is taken for the server's.
      const isClient = portOf(source) >= portOf(destination);
      number = isClient
        ? this.#open(source, destination, time)
        : this.#open(destination, source, time);
    }
    this.#touch(number, time);
    if (this.#isFromClient(number)) this.#addFromClient(number, time);
    else this.#addFromServer(number, time);
  }

  #addSyn(time: Seconds): void {
    const { source, destination, sequence } = this.#segment;
    const { columns, further } = this.table;
    let known = this.#tuples.get(source, destination);
    for (let i = 0; known !== NONE && i < SAME_TUPLE_MAX; i += 1) {
      if (columns.isn[known] === sequence && columns.client[known] === source) {
        this.#touch(known, time);
        this.#addTime(columns.firstSyn, further.syns, known, time);
        return;
      }
      known = columns.previous[known] ?? NONE;
    }
    this.#describeSyn(this.#open(source, destination, time), time);
  }

  #describeSyn(number: number, time: Seconds): void {
    const segment = this.#segment;
    const { columns, options } = this.table;
    columns.firstSyn[number] = time;
    columns.isn[number] = segment.sequence;
    columns.synBytes[number] = segment.ipBytes;
    columns.ttl[number] = segment.ttl;
    columns.ipId[number] = segment.ipId;
    columns.window[number] = segment.window;
    const found = segment.options();
    columns.mss[number] = found.mss;
    columns.timestamp[number] = found.timestamp;
    columns.signature[number] = found.signature;
    if (found.toaAt >= 0) columns.toa[number] = segment.toa(found.toaAt);
    if (!options.has(found.signature)) options.set(found.signature, segment.optionText());
  }

  #addSynAck(time: Seconds): void {
    const segment = this.#segment;
    const { source, destination } = segment;
    const isn = (segment.acknowledgment + MODULO - 1) % MODULO;
    let number = this.#tuples.get(source, destination);
    for (let i = 0; number !== NONE; i += 1) {
      const its = this.table.columns.isn[number] ?? NaN;
      if (its === isn || Number.isNaN(its)) break;
      number = i < SAME_TUPLE_MAX ? (this.table.columns.previous[number] ?? NONE) : NONE;
    }
    if (number === NONE) number = this.#open(destination, source, time);
    const { columns, further } = this.table;
    this.#touch(number, time);
    columns.isn[number] = isn;
    this.#addTime(columns.firstSynAck, further.synAcks, number, time);
    if (!isUnknown(columns.serverIsn, number)) return;
    columns.serverIsn[number] = segment.sequence;
    columns.serverTimestamp[number] = segment.options().timestamp;
  }

  #addFromClient(number: number, time: Seconds): void {
    const segment = this.#segment;
    const { columns } = this.table;
    const count = (columns.clientSegments[number] ?? 0) + 1;
    if (count <= SEGMENTS_COUNTED) columns.clientSegments[number] = count;
    if ((segment.flags & FLAG_RST) !== 0) return this.#addReset(number, time, 0);
    if (isUnknown(columns.clientAck, number)) columns.clientAck[number] = time;
    if (count <= TOA_SEGMENTS && !segment.hasUsualOptions && isUnknown(columns.toa, number)) {
      const { toaAt } = segment.options();
      if (toaAt >= 0) columns.toa[number] = segment.toa(toaAt);
    }
    // Only of the connection's first bytes: later ones would be others at another point.
    if (
      isUnknown(columns.payloadHash, number) &&
      segment.payloadBytes > 0 &&
      segment.sequence === ((columns.isn[number] ?? NaN) + 1) % MODULO
    )
      columns.payloadHash[number] = segment.payloadHash;
    if ((segment.flags & FLAG_FIN) !== 0)
      this.#addFin(number, time, columns.clientBytes, columns.isn);
  }

  #addFromServer(number: number, time: Seconds): void {
    const { flags } = this.#segment;
    const { columns, further } = this.table;
    if ((flags & FLAG_RST) !== 0) {
      const isAnswer =
        !isUnknown(columns.firstSyn, number) && isUnknown(columns.firstSynAck, number);
      return this.#addReset(number, time, RESET_BY_SERVER | (isAnswer ? RESET_IS_ANSWER : 0));
    }
    if ((flags & FLAG_FIN) !== 0)
      this.#addFin(number, time, columns.serverBytes, columns.serverIsn);
    if (
      isUnknown(columns.clientAck, number) &&
      isUnknown(columns.firstSynAck, number) &&
      !isUnknown(columns.firstSyn, number)
    )
      this.#addTime(columns.firstStrayAck, further.strayAcks, number, time);
  }

  #addFin(number: number, time: Seconds, bytes: Float64Array, isns: Float64Array): void {
    const { fin } = this.table.columns;
    if (isUnknown(fin, number)) fin[number] = time;
    const isn = isns[number] ?? NaN;
    if (Number.isNaN(isn) || !isUnknown(bytes, number)) return;
    // What was sent before this segment and with it.
    const { sequence, payloadBytes } = this.#segment;
    bytes[number] = (sequence + payloadBytes + MODULO - isn - 1) % MODULO;
  }

  #addReset(number: number, time: Seconds, flags: number): void {
    const { columns } = this.table;
    if (!isUnknown(columns.resetTime, number)) return;
    columns.resetTime[number] = time;
    columns.resetFlags[number] = flags;
    columns.resetTtl[number] = this.#segment.ttl;
  }

  /** About a SYN that nobody has answered: later ones tell of the path's MTU, and end nothing. */
  #addIcmpError(time: Seconds): void {
    const segment = this.#segment;
    const { columns } = this.table;
    const number = this.#tuples.get(segment.source, segment.destination);
    if (number === NONE || columns.client[number] !== segment.source) return;
    if (columns.isn[number] !== segment.quotedSequence) return;
    if (!isUnknown(columns.firstSynAck, number) || !isUnknown(columns.icmpTime, number)) return;
    columns.icmpTime[number] = time;
    columns.icmpFrom[number] = segment.icmpSource;
    columns.icmpType[number] = segment.icmpType;
    columns.icmpCode[number] = segment.icmpCode;
  }

  #addTime(firsts: Float64Array, further: FurtherTimes, number: number, time: Seconds): void {
    if (isUnknown(firsts, number)) {
      firsts[number] = time;
      return;
    }
    const later = further.get(number);
    const last = later?.at(-1) ?? firsts[number] ?? 0;
    if (Math.abs(time - last) < DUPLICATE_SECONDS) this.duplicates += 1;
    else if (later) later.push(time);
    else further.set(number, [time]);
  }

  /**
   * The newest connection with this tuple; of several that share it, as where a collision went
   * unnoticed, the one whose sequence numbers are nearest.
   */
  #find(): number {
    const { source, destination } = this.#segment;
    const { columns } = this.table;
    const newest = this.#tuples.get(source, destination);
    if (newest === NONE || columns.previous[newest] === NONE) return newest;
    let [best, least] = [newest, Infinity];
    let number = newest;
    for (let i = 0; number !== NONE && i < SAME_TUPLE_MAX; i += 1) {
      const distance = this.#distance(number);
      if (distance < least) [best, least] = [number, distance];
      number = columns.previous[number] ?? NONE;
    }
    return best;
  }

  #distance(number: number): number {
    const isn = this.table.columns.isn[number] ?? NaN;
    if (Number.isNaN(isn)) return MODULO;
    const { sequence, acknowledgment } = this.#segment;
    return ((this.#isFromClient(number) ? sequence : acknowledgment) + MODULO - isn) % MODULO;
  }

  #isFromClient(number: number): boolean {
    return this.table.columns.client[number] === this.#segment.source;
  }

  #touch(number: number, time: Seconds): void {
    const { lastSeen } = this.table.columns;
    if (time > (lastSeen[number] ?? 0)) lastSeen[number] = time;
  }

  #open(client: SocketKey, server: SocketKey, time: Seconds): number {
    const previous = this.#tuples.get(client, server);
    const number = this.table.open(client, server, time, previous);
    this.#tuples.set(client, server, number);
    return number;
  }
}

function isUnknown(column: Float64Array, number: number): boolean {
  return Number.isNaN(column[number] ?? NaN);
}
