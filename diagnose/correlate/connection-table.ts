/**
 * The connections of one capture point as columns of numbers: a hundred thousand of them take 20 MB,
 * grow without garbage, and go from thread to thread without a copy.
 */
import { addressOf, portOf, type AddressId, type SocketKey } from './address-book.ts';
import type { Connection, IcmpError, Reset, Seconds } from './connection.ts';

/** Times of a kind of packet; most kinds come once, and the first is in a column. */
export type FurtherTimes = Map<number, Seconds[]>;

/** What a thread hands over, and `ConnectionTable.from` takes. */
export interface TableParts {
  readonly length: number;
  readonly columns: Readonly<Record<string, Column>>;
  readonly further: Readonly<Record<'syns' | 'synAcks' | 'strayAcks', FurtherTimes>>;
  readonly options: ReadonlyMap<number, string>;
}

export type Column = Float64Array | Float32Array | Int32Array | Uint16Array | Uint8Array;

export const NONE = -1;
/** Bits of `resetFlags`. */
export const RESET_BY_SERVER = 1;
export const RESET_IS_ANSWER = 2;

const FIRST_CAPACITY = 64;

/** NaN: not known. `Float32Array` holds 16 bits and NaN. */
class Columns {
  client = unknown(new Float64Array(FIRST_CAPACITY));
  server = unknown(new Float64Array(FIRST_CAPACITY));
  firstSeen = unknown(new Float64Array(FIRST_CAPACITY));
  lastSeen = unknown(new Float64Array(FIRST_CAPACITY));
  firstSyn = unknown(new Float64Array(FIRST_CAPACITY));
  firstSynAck = unknown(new Float64Array(FIRST_CAPACITY));
  firstStrayAck = unknown(new Float64Array(FIRST_CAPACITY));
  isn = unknown(new Float64Array(FIRST_CAPACITY));
  serverIsn = unknown(new Float64Array(FIRST_CAPACITY));
  timestamp = unknown(new Float64Array(FIRST_CAPACITY));
  serverTimestamp = unknown(new Float64Array(FIRST_CAPACITY));
  signature = unknown(new Float64Array(FIRST_CAPACITY));
  toa = unknown(new Float64Array(FIRST_CAPACITY));
  payloadHash = unknown(new Float64Array(FIRST_CAPACITY));
  clientAck = unknown(new Float64Array(FIRST_CAPACITY));
  clientBytes = unknown(new Float64Array(FIRST_CAPACITY));
  serverBytes = unknown(new Float64Array(FIRST_CAPACITY));
  fin = unknown(new Float64Array(FIRST_CAPACITY));
  resetTime = unknown(new Float64Array(FIRST_CAPACITY));
  icmpTime = unknown(new Float64Array(FIRST_CAPACITY));
  icmpFrom = unknown(new Float64Array(FIRST_CAPACITY));
  window = unknown(new Float32Array(FIRST_CAPACITY));
  mss = unknown(new Float32Array(FIRST_CAPACITY));
  /** Number of the connection before it with the same tuple. */
  previous = new Int32Array(FIRST_CAPACITY);
  /** 0: not known. */
  ipId = new Uint16Array(FIRST_CAPACITY);
  synBytes = new Uint16Array(FIRST_CAPACITY);
  ttl = new Uint8Array(FIRST_CAPACITY);
  resetFlags = new Uint8Array(FIRST_CAPACITY);
  resetTtl = new Uint8Array(FIRST_CAPACITY);
  icmpType = new Uint8Array(FIRST_CAPACITY);
  icmpCode = new Uint8Array(FIRST_CAPACITY);
  /** Counted up to 255. */
  clientSegments = new Uint8Array(FIRST_CAPACITY);
}
type ColumnName = keyof Columns;

export class ConnectionTable {
  length = 0;
  columns = new Columns();
  readonly further: TableParts['further'];
  /** Texts of option signatures. */
  readonly options: Map<number, string>;

  constructor(
    further: TableParts['further'] = { syns: new Map(), synAcks: new Map(), strayAcks: new Map() },
    options: Map<number, string> = new Map(),
  ) {
    this.further = further;
    this.options = options;
  }

  static from({ length, columns, further, options }: TableParts): ConnectionTable {
    const table = new ConnectionTable(further, new Map(options));
    table.length = length;
    Object.assign(table.columns, columns);
    return table;
  }

  /** Gives the number of the new connection. */
  open(client: SocketKey, server: SocketKey, time: Seconds, previous: number): number {
    const number = this.length;
    if (number === this.columns.client.length) this.#grow(2 * number);
    const { columns } = this;
    columns.client[number] = client;
    columns.server[number] = server;
    columns.firstSeen[number] = time;
    columns.lastSeen[number] = time;
    columns.previous[number] = previous;
    this.length += 1;
    return number;
  }

  /** Cut to what is used, so that handing them over costs no more than that. */
  parts(): TableParts {
    const { length, further, options } = this;
    const columns = Object.fromEntries(
      this.#all().map(([name, column]) => [name, column.slice(0, length)] as const),
    );
    return { length, columns, further, options };
  }

  /** One object for each row, always the same. */
  connections(point: number): readonly Connection[] {
    const rows = new Array<Connection>(this.length);
    for (let number = 0; number < rows.length; number += 1)
      rows[number] = new Row(this, point, number);
    return rows;
  }

  #grow(capacity: number): void {
    for (const [name, column] of this.#all()) {
      const larger = new (column.constructor as new (length: number) => Column)(capacity);
      larger.set(column);
      unknown(larger, column.length);
      Object.assign(this.columns, { [name]: larger });
    }
  }

  #all(): [ColumnName, Column][] {
    return Object.entries(this.columns) as [ColumnName, Column][];
  }
}

/** A row as the rest of the program sees it. */
class Row implements Connection {
  readonly point: number;
  readonly #table: ConnectionTable;
  readonly #number: number;

  constructor(table: ConnectionTable, point: number, number: number) {
    this.point = point;
    this.#table = table;
    this.#number = number;
  }

  get client(): SocketKey {
    return (this.#table.columns.client[this.#number] ?? 0) as SocketKey;
  }
  get server(): SocketKey {
    return (this.#table.columns.server[this.#number] ?? 0) as SocketKey;
  }
  get clientAddress(): AddressId {
    return addressOf(this.client);
  }
  get clientPort(): number {
    return portOf(this.client);
  }
  get serverAddress(): AddressId {
    return addressOf(this.server);
  }
  get serverPort(): number {
    return portOf(this.server);
  }
  get firstSeen(): Seconds {
    return this.#table.columns.firstSeen[this.#number] ?? 0;
  }
  get lastSeen(): Seconds {
    return this.#table.columns.lastSeen[this.#number] ?? 0;
  }
  get firstSyn(): Seconds | undefined {
    return known(this.#table.columns.firstSyn[this.#number]);
  }
  get firstSynAck(): Seconds | undefined {
    return known(this.#table.columns.firstSynAck[this.#number]);
  }
  get syns(): readonly Seconds[] {
    return times(this.firstSyn, this.#table.further.syns.get(this.#number));
  }
  get synAcks(): readonly Seconds[] {
    return times(this.firstSynAck, this.#table.further.synAcks.get(this.#number));
  }
  get strayAcks(): readonly Seconds[] {
    const first = known(this.#table.columns.firstStrayAck[this.#number]);
    return times(first, this.#table.further.strayAcks.get(this.#number));
  }
  get synCount(): number {
    return count(this.firstSyn, this.#table.further.syns, this.#number);
  }
  get synAckCount(): number {
    return count(this.firstSynAck, this.#table.further.synAcks, this.#number);
  }
  get isn(): number | undefined {
    return known(this.#table.columns.isn[this.#number]);
  }
  get serverIsn(): number | undefined {
    return known(this.#table.columns.serverIsn[this.#number]);
  }
  get timestamp(): number | undefined {
    return known(this.#table.columns.timestamp[this.#number]);
  }
  get serverTimestamp(): number | undefined {
    return known(this.#table.columns.serverTimestamp[this.#number]);
  }
  get ipId(): number | undefined {
    return this.#table.columns.ipId[this.#number] || undefined;
  }
  get synBytes(): number {
    return this.#table.columns.synBytes[this.#number] ?? 0;
  }
  get ttl(): number {
    return this.#table.columns.ttl[this.#number] ?? 0;
  }
  get window(): number | undefined {
    return known(this.#table.columns.window[this.#number]);
  }
  get mss(): number | undefined {
    return known(this.#table.columns.mss[this.#number]);
  }
  get signature(): number | undefined {
    return known(this.#table.columns.signature[this.#number]);
  }
  get options(): string | undefined {
    const { signature } = this;
    return signature === undefined ? undefined : this.#table.options.get(signature);
  }
  get toa(): SocketKey | undefined {
    return known(this.#table.columns.toa[this.#number]) as SocketKey | undefined;
  }
  get payloadHash(): number | undefined {
    return known(this.#table.columns.payloadHash[this.#number]);
  }
  get clientAck(): Seconds | undefined {
    return known(this.#table.columns.clientAck[this.#number]);
  }
  get clientBytes(): number | undefined {
    return known(this.#table.columns.clientBytes[this.#number]);
  }
  get serverBytes(): number | undefined {
    return known(this.#table.columns.serverBytes[this.#number]);
  }
  get fin(): Seconds | undefined {
    return known(this.#table.columns.fin[this.#number]);
  }
  get reset(): Reset | undefined {
    const { resetTime, resetFlags, resetTtl } = this.#table.columns;
    const time = known(resetTime[this.#number]);
    if (time === undefined) return undefined;
    const flags = resetFlags[this.#number] ?? 0;
    return {
      time,
      from: flags & RESET_BY_SERVER ? 'server' : 'client',
      isAnswer: (flags & RESET_IS_ANSWER) !== 0,
      ttl: resetTtl[this.#number] ?? 0,
    };
  }
  get icmp(): IcmpError | undefined {
    const { icmpTime, icmpFrom, icmpType, icmpCode } = this.#table.columns;
    const time = known(icmpTime[this.#number]);
    if (time === undefined) return undefined;
    return {
      time,
      from: (icmpFrom[this.#number] ?? 0) as AddressId,
      type: icmpType[this.#number] ?? 0,
      code: icmpCode[this.#number] ?? 0,
    };
  }
}

/** Integers have no NaN: 0 stays. */
function unknown<T extends Column>(column: T, from = 0): T {
  if (column instanceof Float64Array || column instanceof Float32Array) column.fill(NaN, from);
  return column;
}

function known(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

function times(first: Seconds | undefined, further: readonly Seconds[] | undefined) {
  if (first === undefined) return [];
  return further === undefined ? [first] : [first, ...further];
}

function count(first: Seconds | undefined, further: FurtherTimes, number: number): number {
  if (first === undefined) return 0;
  return 1 + (further.size === 0 ? 0 : (further.get(number)?.length ?? 0));
}
