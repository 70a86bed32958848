/** Which connections of a later point are worth comparing: those that share anything identifying. */
import { socketKey, type SocketKey } from './address-book.ts';
import { startOf, type Connection, type Seconds } from './connection.ts';

/** Of many that share a value, the nearest in time; a value shared by more names nobody. */
const PER_VALUE_MAX = 16;

/** Nearly all values occur once: a list for each would be most of the memory. */
type Index = Map<number, number | number[]>;
const NUMBER_FIELDS = ['isn', 'serverIsn', 'timestamp', 'ipId', 'payloadHash'] as const;
type NumberField = (typeof NUMBER_FIELDS)[number];

export class CandidateIndex {
  readonly #attempts: readonly Connection[];
  readonly #sources: Index = new Map();
  readonly #toas: Index = new Map();
  readonly #numbers: Readonly<Record<NumberField, Index>> = {
    isn: new Map(),
    serverIsn: new Map(),
    timestamp: new Map(),
    ipId: new Map(),
    payloadHash: new Map(),
  };

  /** `attempts` in order of their start. */
  constructor(attempts: readonly Connection[]) {
    this.#attempts = attempts;
    attempts.forEach((connection, i) => {
      put(this.#sources, socketKey(connection.clientAddress, connection.clientPort), i);
      if (connection.toa)
        put(this.#toas, socketKey(connection.toa.address, connection.toa.port), i);
      for (const field of NUMBER_FIELDS) put(this.#numbers[field], connection[field], i);
    });
  }

  /**
   * Numbers of `attempts`; `expected` is when the next point should have seen it, `listed` its
   * source there according to a session list.
   */
  of(earlier: readonly Connection[], expected: Seconds, listed: SocketKey | undefined): number[] {
    const found = new Set<number>();
    const last = earlier.at(-1);
    if (!last) return [];
    if (listed !== undefined) this.#take(found, this.#sources.get(listed), expected);
    for (const hop of earlier) {
      const own = socketKey(hop.clientAddress, hop.clientPort);
      const named = hop.toa && socketKey(hop.toa.address, hop.toa.port);
      for (const key of named === undefined ? [own] : [own, named]) {
        this.#take(found, this.#sources.get(key), expected);
        this.#take(found, this.#toas.get(key), expected);
      }
    }
    for (const field of NUMBER_FIELDS) {
      const value = last[field];
      if (value !== undefined) this.#take(found, this.#numbers[field].get(value), expected);
    }
    return [...found];
  }

  /** The list is in order of time: the nearest are around one place. */
  #take(found: Set<number>, list: number | readonly number[] | undefined, expected: Seconds): void {
    if (list === undefined) return;
    if (typeof list === 'number') {
      found.add(list);
      return;
    }
    if (list.length <= PER_VALUE_MAX) {
      for (const i of list) found.add(i);
      return;
    }
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const connection = this.#attempts[list[middle] ?? 0];
      if (connection && startOf(connection) < expected) low = middle + 1;
      else high = middle;
    }
    const from = Math.max(0, low - PER_VALUE_MAX / 2);
    for (const i of list.slice(from, from + PER_VALUE_MAX)) found.add(i);
  }
}

function put(index: Index, key: number | undefined, i: number): void {
  if (key === undefined) return;
  const known = index.get(key);
  if (known === undefined) index.set(key, i);
  else if (typeof known === 'number') index.set(key, [known, i]);
  else known.push(i);
}
