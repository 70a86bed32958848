/** How often each identifying value occurs at a capture point, for what is common proves little. */
import { socketKey } from './address-book.ts';
import { startOf, type Connection, type Seconds } from './connection.ts';

const FIELDS = [
  'isn',
  'serverIsn',
  'timestamp',
  'ipId',
  'payloadHash',
  'options',
  'window',
] as const;
type Field = (typeof FIELDS)[number];

/** How many connections of the two points have the same value, the larger of both numbers. */
export type Counts = Readonly<Record<Field, number>>;

export class Commonness {
  readonly #counts: Readonly<Record<Field, Map<number | string, number>>>;
  readonly #sources = new Map<number, number>();
  /** Each is compared several times. */
  readonly #known = new Map<Connection, Counts>();
  readonly #total: number;
  readonly #perSecond: number;

  constructor(points: readonly (readonly Connection[])[]) {
    this.#counts = {
      isn: new Map(),
      serverIsn: new Map(),
      timestamp: new Map(),
      ipId: new Map(),
      payloadHash: new Map(),
      options: new Map(),
      window: new Map(),
    };
    for (const connections of points) this.#add(connections);
    this.#total = Math.max(1, ...points.map(({ length }) => length));
    this.#perSecond = Math.max(...points.map(rateOf));
  }

  of(connection: Connection): Counts {
    const known = this.#known.get(connection);
    if (known) return known;
    const { isn, serverIsn, timestamp, ipId, payloadHash, options, window } = connection;
    const counts = this.#counts;
    const found: Counts = {
      isn: (isn !== undefined && counts.isn.get(isn)) || 1,
      serverIsn: (serverIsn !== undefined && counts.serverIsn.get(serverIsn)) || 1,
      timestamp: (timestamp !== undefined && counts.timestamp.get(timestamp)) || 1,
      ipId: (ipId !== undefined && counts.ipId.get(ipId)) || 1,
      payloadHash: (payloadHash !== undefined && counts.payloadHash.get(payloadHash)) || 1,
      options: (options !== undefined && counts.options.get(options)) || 1,
      window: (window !== undefined && counts.window.get(window)) || 1,
    };
    this.#known.set(connection, found);
    return found;
  }

  source({ clientAddress, clientPort }: Connection): number {
    return this.#sources.get(socketKey(clientAddress, clientPort)) ?? 1;
  }

  /** Bits that a value of so many connections tells; one that all have tells nothing. */
  surprise(count: number): number {
    return Math.log2(this.#total / Math.max(1, count));
  }

  /** How many connections start in so much time, on average. */
  startsWithin(seconds: Seconds): number {
    return this.#perSecond * seconds;
  }

  #add(connections: readonly Connection[]): void {
    for (const field of FIELDS) {
      const counts = new Map<number | string, number>();
      for (const { [field]: value } of connections)
        if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
      merge(this.#counts[field], counts);
    }
    const sources = new Map<number, number>();
    for (const { clientAddress, clientPort } of connections) {
      const key = socketKey(clientAddress, clientPort);
      sources.set(key, (sources.get(key) ?? 0) + 1);
    }
    merge(this.#sources, sources);
  }
}

function rateOf(connections: readonly Connection[]): number {
  let [first, last] = [Infinity, -Infinity];
  for (const connection of connections) {
    const start = startOf(connection);
    if (start < first) first = start;
    if (start > last) last = start;
  }
  return connections.length / Math.max(1, last - first);
}

function merge<K>(into: Map<K, number>, counts: ReadonlyMap<K, number>): void {
  for (const [value, count] of counts) into.set(value, Math.max(count, into.get(value) ?? 0));
}
