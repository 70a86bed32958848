/** How often each identifying value occurs at a capture point, for what is common proves little. */
import { startOf, type Connection, type Seconds } from './connection.ts';
import { ValueIndex, valuesOf } from './value-index.ts';

const FIELDS = [
  ...(['isn', 'serverIsn', 'timestamp', 'ipId', 'payloadHash'] as const),
  ...(['client', 'signature', 'window'] as const),
];
export type Field = (typeof FIELDS)[number];
export type Indexes = Readonly<Record<Field, ValueIndex>>;

export class Commonness {
  readonly #points: readonly Indexes[];
  readonly #total: number;
  readonly #perSecond: number;

  constructor(points: readonly (readonly Connection[])[], indexes: readonly Indexes[]) {
    this.#points = indexes;
    this.#total = Math.max(1, ...points.map(({ length }) => length));
    this.#perSecond = Math.max(...points.map(rateOf));
  }

  /** How many connections have the value, at the point where more have it; at least 1. */
  count(field: Field, value: number): number {
    let most = 1;
    for (const indexes of this.#points) most = Math.max(most, indexes[field].count(value));
    return most;
  }

  /** Bits that a value of so many connections tells; one that all have tells nothing. */
  surprise(count: number): number {
    return Math.log2(this.#total / Math.max(1, count));
  }

  /** How many connections start in so much time, on average. */
  startsWithin(seconds: Seconds): number {
    return this.#perSecond * seconds;
  }
}

export function indexesOf(connections: readonly Connection[]): Indexes {
  return Object.fromEntries(
    FIELDS.map((field) => [field, new ValueIndex(valuesOf(connections, (one) => one[field]))]),
  ) as Record<Field, ValueIndex>;
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
