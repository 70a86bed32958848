/**
 * The connections of one capture point as columns of numbers, page after page: a hundred thousand of
 * them take 20 MB, grow without a copy, and go from thread to thread without one.
 */
import { addressOf, portOf, type AddressId, type SocketKey } from './address-book.ts';
import type { Connection, IcmpError, Reset, Seconds } from './connection.ts';

/** Times of a kind of packet; most kinds come once, and the first is in a column. */
export type FurtherTimes = Map<number, Seconds[]>;

/** What a thread hands over, and `ConnectionTable.from` takes. */
export interface TableParts {
  readonly length: number;
  readonly pages: readonly ArrayBuffer[];
  readonly further: Readonly<Record<'syns' | 'synAcks' | 'strayAcks', FurtherTimes>>;
  readonly options: ReadonlyMap<number, string>;
}

export const NONE = -1;
/** Bits of `resetFlags`. */
export const RESET_BY_SERVER = 1;
export const RESET_IS_ANSWER = 2;

const ROW_BITS = 12;
/** A page is 0.8 MB; a table grows by pages, and what is there stays where it is. */
const ROWS = 1 << ROW_BITS;
/** A row's place in its page, out of its number in the table. */
export const ROW_MASK = ROWS - 1;
const FLOAT64_COLUMNS = 21;
const FLOAT32_COLUMNS = 2;
const PAGE_BYTES = ROWS * (8 * FLOAT64_COLUMNS + 4 * FLOAT32_COLUMNS + 1 * 4 + 2 * 2 + 6);

/** Some thousand rows. NaN: not known. `Float32Array` holds 16 bits and NaN. */
export class Page {
  readonly memory: ArrayBuffer;
  readonly client: Float64Array;
  readonly server: Float64Array;
  readonly firstSeen: Float64Array;
  readonly lastSeen: Float64Array;
  readonly firstSyn: Float64Array;
  readonly firstSynAck: Float64Array;
  readonly firstStrayAck: Float64Array;
  readonly isn: Float64Array;
  readonly serverIsn: Float64Array;
  readonly timestamp: Float64Array;
  readonly serverTimestamp: Float64Array;
  readonly signature: Float64Array;
  readonly toa: Float64Array;
  readonly payloadHash: Float64Array;
  readonly clientAck: Float64Array;
  readonly clientBytes: Float64Array;
  readonly serverBytes: Float64Array;
  readonly fin: Float64Array;
  readonly resetTime: Float64Array;
  readonly icmpTime: Float64Array;
  readonly icmpFrom: Float64Array;
  readonly window: Float32Array;
  readonly mss: Float32Array;
  /** Number of the connection before it with the same tuple. */
  readonly previous: Int32Array;
  /** 0: not known. */
  readonly ipId: Uint16Array;
  readonly synBytes: Uint16Array;
  readonly ttl: Uint8Array;
  readonly resetFlags: Uint8Array;
  readonly resetTtl: Uint8Array;
  readonly icmpType: Uint8Array;
  readonly icmpCode: Uint8Array;
  /** Counted up to 255. */
  readonly clientSegments: Uint8Array;

  constructor(memory: ArrayBuffer = emptyPage()) {
    this.memory = memory;
    const cut = new Cutter(memory);
    this.client = cut.float64();
    this.server = cut.float64();
    this.firstSeen = cut.float64();
    this.lastSeen = cut.float64();
    this.firstSyn = cut.float64();
    this.firstSynAck = cut.float64();
    this.firstStrayAck = cut.float64();
    this.isn = cut.float64();
    this.serverIsn = cut.float64();
    this.timestamp = cut.float64();
    this.serverTimestamp = cut.float64();
    this.signature = cut.float64();
    this.toa = cut.float64();
    this.payloadHash = cut.float64();
    this.clientAck = cut.float64();
    this.clientBytes = cut.float64();
    this.serverBytes = cut.float64();
    this.fin = cut.float64();
    this.resetTime = cut.float64();
    this.icmpTime = cut.float64();
    this.icmpFrom = cut.float64();
    this.window = cut.float32();
    this.mss = cut.float32();
    this.previous = cut.int32();
    this.ipId = cut.uint16();
    this.synBytes = cut.uint16();
    this.ttl = cut.uint8();
    this.resetFlags = cut.uint8();
    this.resetTtl = cut.uint8();
    this.icmpType = cut.uint8();
    this.icmpCode = cut.uint8();
    this.clientSegments = cut.uint8();
  }
}

/** Columns, one after the other, out of a page's memory; the widest come first. */
class Cutter {
  readonly #memory: ArrayBuffer;
  #at = 0;

  constructor(memory: ArrayBuffer) {
    this.#memory = memory;
  }

  float64(): Float64Array {
    return new Float64Array(this.#memory, this.#next(8), ROWS);
  }

  float32(): Float32Array {
    return new Float32Array(this.#memory, this.#next(4), ROWS);
  }

  int32(): Int32Array {
    return new Int32Array(this.#memory, this.#next(4), ROWS);
  }

  uint16(): Uint16Array {
    return new Uint16Array(this.#memory, this.#next(2), ROWS);
  }

  uint8(): Uint8Array {
    return new Uint8Array(this.#memory, this.#next(1), ROWS);
  }

  #next(bytes: number): number {
    const at = this.#at;
    this.#at += bytes * ROWS;
    return at;
  }
}

export class ConnectionTable {
  length = 0;
  readonly further: TableParts['further'];
  /** Texts of option signatures. */
  readonly options: Map<number, string>;
  readonly #pages: Page[];

  constructor(
    further: TableParts['further'] = { syns: new Map(), synAcks: new Map(), strayAcks: new Map() },
    options: Map<number, string> = new Map(),
    pages: Page[] = [],
  ) {
    this.further = further;
    this.options = options;
    this.#pages = pages;
  }

  static from({ length, pages, further, options }: TableParts): ConnectionTable {
    const table = new ConnectionTable(
      further,
      new Map(options),
      pages.map((memory) => new Page(memory)),
    );
    table.length = length;
    return table;
  }

  /** Gives the number of the new connection. */
  open(client: SocketKey, server: SocketKey, time: Seconds, previous: number): number {
    const number = this.length;
    const row = number & ROW_MASK;
    if (row === 0) this.#pages.push(new Page());
    const page = this.page(number);
    page.client[row] = client;
    page.server[row] = server;
    page.firstSeen[row] = time;
    page.lastSeen[row] = time;
    page.previous[row] = previous;
    this.length += 1;
    return number;
  }

  /** Where the connection's row is. */
  page(number: number): Page {
    const page = this.#pages[number >>> ROW_BITS];
    if (!page) throw new RangeError(`there are ${this.length} connections, and no ${number}`);
    return page;
  }

  /** The page of each row, and the row's place in it. */
  forEachRow(visit: (page: Page, row: number) => void): void {
    for (let number = 0; number < this.length; number += 1)
      visit(this.page(number), number & ROW_MASK);
  }

  parts(): TableParts {
    const { length, further, options } = this;
    return { length, pages: this.#pages.map(({ memory }) => memory), further, options };
  }

  /** One object for each row, always the same. */
  connections(point: number): readonly Connection[] {
    const rows: Connection[] = [];
    for (let number = 0; number < this.length; number += 1) rows.push(new Row(this, point, number));
    return rows;
  }
}

function emptyPage(): ArrayBuffer {
  const memory = new ArrayBuffer(PAGE_BYTES);
  // Integers have no NaN: 0 stays.
  new Float64Array(memory, 0, FLOAT64_COLUMNS * ROWS).fill(NaN);
  new Float32Array(memory, 8 * FLOAT64_COLUMNS * ROWS, FLOAT32_COLUMNS * ROWS).fill(NaN);
  return memory;
}

/** A row as the rest of the program sees it. */
class Row implements Connection {
  readonly point: number;
  readonly #table: ConnectionTable;
  readonly #page: Page;
  readonly #number: number;

  constructor(table: ConnectionTable, point: number, number: number) {
    this.point = point;
    this.#table = table;
    this.#page = table.page(number);
    this.#number = number;
  }

  get client(): SocketKey {
    return (this.#page.client[this.#number & ROW_MASK] ?? 0) as SocketKey;
  }
  get server(): SocketKey {
    return (this.#page.server[this.#number & ROW_MASK] ?? 0) as SocketKey;
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
    return this.#page.firstSeen[this.#number & ROW_MASK] ?? 0;
  }
  get lastSeen(): Seconds {
    return this.#page.lastSeen[this.#number & ROW_MASK] ?? 0;
  }
  get firstSyn(): Seconds | undefined {
    return known(this.#page.firstSyn[this.#number & ROW_MASK]);
  }
  get firstSynAck(): Seconds | undefined {
    return known(this.#page.firstSynAck[this.#number & ROW_MASK]);
  }
  get syns(): readonly Seconds[] {
    return times(this.firstSyn, this.#table.further.syns.get(this.#number));
  }
  get synAcks(): readonly Seconds[] {
    return times(this.firstSynAck, this.#table.further.synAcks.get(this.#number));
  }
  get strayAcks(): readonly Seconds[] {
    const first = known(this.#page.firstStrayAck[this.#number & ROW_MASK]);
    return times(first, this.#table.further.strayAcks.get(this.#number));
  }
  get synCount(): number {
    return count(this.firstSyn, this.#table.further.syns, this.#number);
  }
  get synAckCount(): number {
    return count(this.firstSynAck, this.#table.further.synAcks, this.#number);
  }
  get isn(): number | undefined {
    return known(this.#page.isn[this.#number & ROW_MASK]);
  }
  get serverIsn(): number | undefined {
    return known(this.#page.serverIsn[this.#number & ROW_MASK]);
  }
  get timestamp(): number | undefined {
    return known(this.#page.timestamp[this.#number & ROW_MASK]);
  }
  get serverTimestamp(): number | undefined {
    return known(this.#page.serverTimestamp[this.#number & ROW_MASK]);
  }
  get ipId(): number | undefined {
    return this.#page.ipId[this.#number & ROW_MASK] || undefined;
  }
  get synBytes(): number {
    return this.#page.synBytes[this.#number & ROW_MASK] ?? 0;
  }
  get ttl(): number {
    return this.#page.ttl[this.#number & ROW_MASK] ?? 0;
  }
  get window(): number | undefined {
    return known(this.#page.window[this.#number & ROW_MASK]);
  }
  get mss(): number | undefined {
    return known(this.#page.mss[this.#number & ROW_MASK]);
  }
  get signature(): number | undefined {
    return known(this.#page.signature[this.#number & ROW_MASK]);
  }
  get options(): string | undefined {
    const { signature } = this;
    return signature === undefined ? undefined : this.#table.options.get(signature);
  }
  get toa(): SocketKey | undefined {
    return known(this.#page.toa[this.#number & ROW_MASK]) as SocketKey | undefined;
  }
  get payloadHash(): number | undefined {
    return known(this.#page.payloadHash[this.#number & ROW_MASK]);
  }
  get clientAck(): Seconds | undefined {
    return known(this.#page.clientAck[this.#number & ROW_MASK]);
  }
  get clientBytes(): number | undefined {
    return known(this.#page.clientBytes[this.#number & ROW_MASK]);
  }
  get serverBytes(): number | undefined {
    return known(this.#page.serverBytes[this.#number & ROW_MASK]);
  }
  get fin(): Seconds | undefined {
    return known(this.#page.fin[this.#number & ROW_MASK]);
  }
  get reset(): Reset | undefined {
    const { resetTime, resetFlags, resetTtl } = this.#page;
    const row = this.#number & ROW_MASK;
    const time = known(resetTime[row]);
    if (time === undefined) return undefined;
    const flags = resetFlags[row] ?? 0;
    return {
      time,
      from: flags & RESET_BY_SERVER ? 'server' : 'client',
      isAnswer: (flags & RESET_IS_ANSWER) !== 0,
      ttl: resetTtl[row] ?? 0,
    };
  }
  get icmp(): IcmpError | undefined {
    const { icmpTime, icmpFrom, icmpType, icmpCode } = this.#page;
    const row = this.#number & ROW_MASK;
    const time = known(icmpTime[row]);
    if (time === undefined) return undefined;
    return {
      time,
      from: (icmpFrom[row] ?? 0) as AddressId,
      type: icmpType[row] ?? 0,
      code: icmpCode[row] ?? 0,
    };
  }
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
