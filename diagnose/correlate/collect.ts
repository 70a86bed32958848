/** One pass over a capture point's packets; what grows with it is the number of connections. */
import type { RecordView } from '../../packet/record.ts';
import { FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN } from '../../packet/segment.ts';
import { portOf, type AddressBook, type SocketKey } from './address-book.ts';
import type { Seconds } from './connection.ts';
import {
  ConnectionTable,
  NONE,
  ROW_MASK,
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
    let known = this.#tuples.get(source, destination);
    for (let i = 0; known !== NONE && i < SAME_TUPLE_MAX; i += 1) {
      const page = this.table.page(known);
      const row = known & ROW_MASK;
      if (page.isn[row] === sequence && page.client[row] === source) {
        this.#touch(known, time);
        this.#addTime(page.firstSyn, this.table.further.syns, known, time);
        return;
      }
      known = page.previous[row] ?? NONE;
    }
    this.#describeSyn(this.#open(source, destination, time), time);
  }

  #describeSyn(number: number, time: Seconds): void {
    const segment = this.#segment;
    const { options } = this.table;
    const page = this.table.page(number);
    const row = number & ROW_MASK;
    page.firstSyn[row] = time;
    page.isn[row] = segment.sequence;
    page.synBytes[row] = segment.ipBytes;
    page.ttl[row] = segment.ttl;
    page.ipId[row] = segment.ipId;
    page.window[row] = segment.window;
    const found = segment.options();
    page.mss[row] = found.mss;
    page.timestamp[row] = found.timestamp;
    page.signature[row] = found.signature;
    if (found.toaAt >= 0) page.toa[row] = segment.toa(found.toaAt);
    if (!options.has(found.signature)) options.set(found.signature, segment.optionText());
  }

  #addSynAck(time: Seconds): void {
    const segment = this.#segment;
    const { source, destination } = segment;
    const isn = (segment.acknowledgment + MODULO - 1) % MODULO;
    let number = this.#tuples.get(source, destination);
    for (let i = 0; number !== NONE; i += 1) {
      const page = this.table.page(number);
      const its = page.isn[number & ROW_MASK] ?? NaN;
      if (its === isn || Number.isNaN(its)) break;
      number = i < SAME_TUPLE_MAX ? (page.previous[number & ROW_MASK] ?? NONE) : NONE;
    }
    if (number === NONE) number = this.#open(destination, source, time);
    const { further } = this.table;
    const page = this.table.page(number);
    const row = number & ROW_MASK;
    this.#touch(number, time);
    page.isn[row] = isn;
    this.#addTime(page.firstSynAck, further.synAcks, number, time);
    if (!isUnknown(page.serverIsn, row)) return;
    page.serverIsn[row] = segment.sequence;
    page.serverTimestamp[row] = segment.options().timestamp;
  }

  #addFromClient(number: number, time: Seconds): void {
    const segment = this.#segment;
    const page = this.table.page(number);
    const row = number & ROW_MASK;
    const count = (page.clientSegments[row] ?? 0) + 1;
    if (count <= SEGMENTS_COUNTED) page.clientSegments[row] = count;
    if ((segment.flags & FLAG_RST) !== 0) return this.#addReset(number, time, 0);
    if (isUnknown(page.clientAck, row)) page.clientAck[row] = time;
    if (count <= TOA_SEGMENTS && !segment.hasUsualOptions && isUnknown(page.toa, row)) {
      const { toaAt } = segment.options();
      if (toaAt >= 0) page.toa[row] = segment.toa(toaAt);
    }
    // Only of the connection's first bytes: later ones would be others at another point.
    if (
      isUnknown(page.payloadHash, row) &&
      segment.payloadBytes > 0 &&
      segment.sequence === ((page.isn[row] ?? NaN) + 1) % MODULO
    )
      page.payloadHash[row] = segment.payloadHash;
    if ((segment.flags & FLAG_FIN) !== 0) this.#addFin(number, time, page.clientBytes, page.isn);
  }

  #addFromServer(number: number, time: Seconds): void {
    const { flags } = this.#segment;
    const { further } = this.table;
    const page = this.table.page(number);
    const row = number & ROW_MASK;
    if ((flags & FLAG_RST) !== 0) {
      const isAnswer = !isUnknown(page.firstSyn, row) && isUnknown(page.firstSynAck, row);
      return this.#addReset(number, time, RESET_BY_SERVER | (isAnswer ? RESET_IS_ANSWER : 0));
    }
    if ((flags & FLAG_FIN) !== 0) this.#addFin(number, time, page.serverBytes, page.serverIsn);
    if (
      isUnknown(page.clientAck, row) &&
      isUnknown(page.firstSynAck, row) &&
      !isUnknown(page.firstSyn, row)
    )
      this.#addTime(page.firstStrayAck, further.strayAcks, number, time);
  }

  #addFin(number: number, time: Seconds, bytes: Float64Array, isns: Float64Array): void {
    const { fin } = this.table.page(number);
    const row = number & ROW_MASK;
    if (isUnknown(fin, row)) fin[row] = time;
    const isn = isns[row] ?? NaN;
    if (Number.isNaN(isn) || !isUnknown(bytes, row)) return;
    // What was sent before this segment and with it.
    const { sequence, payloadBytes } = this.#segment;
    bytes[row] = (sequence + payloadBytes + MODULO - isn - 1) % MODULO;
  }

  #addReset(number: number, time: Seconds, flags: number): void {
    const page = this.table.page(number);
    const row = number & ROW_MASK;
    if (!isUnknown(page.resetTime, row)) return;
    page.resetTime[row] = time;
    page.resetFlags[row] = flags;
    page.resetTtl[row] = this.#segment.ttl;
  }

  /** About a SYN that nobody has answered: later ones tell of the path's MTU, and end nothing. */
  #addIcmpError(time: Seconds): void {
    const segment = this.#segment;
    const number = this.#tuples.get(segment.source, segment.destination);
    if (number === NONE) return;
    const page = this.table.page(number);
    const row = number & ROW_MASK;
    if (page.client[row] !== segment.source) return;
    if (page.isn[row] !== segment.quotedSequence) return;
    if (!isUnknown(page.firstSynAck, row) || !isUnknown(page.icmpTime, row)) return;
    page.icmpTime[row] = time;
    page.icmpFrom[row] = segment.icmpSource;
    page.icmpType[row] = segment.icmpType;
    page.icmpCode[row] = segment.icmpCode;
  }

  #addTime(firsts: Float64Array, further: FurtherTimes, number: number, time: Seconds): void {
    const row = number & ROW_MASK;
    if (isUnknown(firsts, row)) {
      firsts[row] = time;
      return;
    }
    const later = further.get(number);
    const last = later?.at(-1) ?? firsts[row] ?? 0;
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
    const { table } = this;
    const newest = this.#tuples.get(source, destination);
    if (newest === NONE || table.page(newest).previous[newest & ROW_MASK] === NONE) return newest;
    let [best, least] = [newest, Infinity];
    let number = newest;
    for (let i = 0; number !== NONE && i < SAME_TUPLE_MAX; i += 1) {
      const distance = this.#distance(number);
      if (distance < least) [best, least] = [number, distance];
      number = table.page(number).previous[number & ROW_MASK] ?? NONE;
    }
    return best;
  }

  #distance(number: number): number {
    const isn = this.table.page(number).isn[number & ROW_MASK] ?? NaN;
    if (Number.isNaN(isn)) return MODULO;
    const { sequence, acknowledgment } = this.#segment;
    return ((this.#isFromClient(number) ? sequence : acknowledgment) + MODULO - isn) % MODULO;
  }

  #isFromClient(number: number): boolean {
    return this.table.page(number).client[number & ROW_MASK] === this.#segment.source;
  }

  #touch(number: number, time: Seconds): void {
    const { lastSeen } = this.table.page(number);
    const row = number & ROW_MASK;
    if (time > (lastSeen[row] ?? 0)) lastSeen[row] = time;
  }

  #open(client: SocketKey, server: SocketKey, time: Seconds): number {
    const previous = this.#tuples.get(client, server);
    const number = this.table.open(client, server, time, previous);
    this.#tuples.set(client, server, number);
    return number;
  }
}

function isUnknown(column: Float64Array, row: number): boolean {
  return Number.isNaN(column[row] ?? NaN);
}
