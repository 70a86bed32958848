/** How often identifying values occur at two capture points, for what is common proves little. */
import { startOf, type Connection, type Seconds } from './connection.ts';
import { ValueIndex, valuesOf } from './value-index.ts';

/** What names one connection, nearly always. */
export const STRONG_FIELDS = ['isn', 'serverIsn', 'client'] as const;
/** What many share by chance, or by having the same system. */
export const WEAK_FIELDS = ['timestamp', 'ipId', 'payloadHash', 'signature', 'window'] as const;
const FIELDS = [...STRONG_FIELDS, ...WEAK_FIELDS];
type StrongField = (typeof STRONG_FIELDS)[number];
export type Field = (typeof FIELDS)[number];

/** Two connections, and their numbers among the attempts of their points. */
export interface Pair {
  readonly earlier: Connection;
  readonly later: Connection;
  readonly earlierNumber: number;
  readonly laterNumber: number;
}

export interface Commonness {
  /** How many connections have the value that both have, at the point where more do. */
  count(field: Field, pair: Pair): number;
  /** Bits that a value of so many connections tells; one that all have tells nothing. */
  surprise(count: number): number;
  /** How many connections start in so much time, on average. */
  startsWithin(seconds: Seconds): number;
}

/** What is kept of a point's attempts when they have been compared with those of the next. */
export interface Census {
  readonly attempts: readonly Connection[];
  readonly perSecond: number;
  /** By attempt: how many have its value. */
  readonly counts: Readonly<Record<StrongField, Uint32Array>>;
}

class Totals {
  readonly #total: number;
  readonly #perSecond: number;

  constructor(points: readonly Census[]) {
    this.#total = Math.max(1, ...points.map(({ attempts }) => attempts.length));
    this.#perSecond = Math.max(...points.map(({ perSecond }) => perSecond));
  }

  surprise(count: number): number {
    return Math.log2(this.#total / Math.max(1, count));
  }

  startsWithin(seconds: Seconds): number {
    return this.#perSecond * seconds;
  }
}

/** Knows of strong fields only: a weak one counts as something that all have. */
export class StrongCommonness extends Totals implements Commonness {
  readonly #points: readonly Census[];
  readonly #later: Census;

  /** By number of the point, the later one last. */
  constructor(points: readonly Census[], later: Census) {
    super([...points, later]);
    this.#points = points;
    this.#later = later;
  }

  count(field: Field, { earlier, earlierNumber, laterNumber }: Pair): number {
    if (!isStrong(field)) return Infinity;
    const there = this.#points[earlier.point]?.counts[field][earlierNumber] ?? 1;
    return Math.max(there, this.#later.counts[field][laterNumber] ?? 1);
  }
}

/** Knows all fields, but only the values that these connections have. */
export class FullCommonness extends Totals implements Commonness {
  readonly #wanted: Readonly<Record<Field, ValueIndex>>;
  /** By point, then by group of the field's index. */
  readonly #tallies: readonly Readonly<Record<Field, Uint32Array>>[];

  constructor(points: readonly Census[], wanted: readonly Connection[]) {
    super(points);
    this.#wanted = byField((field) => new ValueIndex(valuesOf(wanted, (one) => one[field])));
    this.#tallies = points.map(({ attempts }) =>
      byField((field) => {
        const index = this.#wanted[field];
        const tally = new Uint32Array(wanted.length);
        for (const attempt of attempts) {
          const group = index.group(attempt[field] ?? NaN);
          if (group >= 0) tally[group] = (tally[group] ?? 0) + 1;
        }
        return tally;
      }),
    );
  }

  count(field: Field, { earlier, later }: Pair): number {
    const group = this.#wanted[field].group(later[field] ?? NaN);
    let most = 1;
    for (const point of [earlier.point, later.point])
      most = Math.max(most, this.#tallies[point]?.[field][group] ?? 1);
    return most;
  }
}

/** Each is built when it is first asked for: a single capture needs one of them. */
export class StrongIndexes {
  readonly #connections: readonly Connection[];
  readonly #built = new Map<StrongField, ValueIndex>();

  constructor(connections: readonly Connection[]) {
    this.#connections = connections;
  }

  of(field: StrongField): ValueIndex {
    const known = this.#built.get(field);
    if (known) return known;
    const index = new ValueIndex(valuesOf(this.#connections, (one) => one[field]));
    this.#built.set(field, index);
    return index;
  }
}

export function censusOf(attempts: readonly Connection[], indexes: StrongIndexes): Census {
  return {
    attempts,
    perSecond: rateOf(attempts),
    counts: {
      get isn() {
        return indexes.of('isn').counts;
      },
      get serverIsn() {
        return indexes.of('serverIsn').counts;
      },
      get client() {
        return indexes.of('client').counts;
      },
    },
  };
}

/** What is asked of a point that is behind: the indexes themselves take six times as much. */
export function settled({ attempts, perSecond, counts }: Census): Census {
  const { isn, serverIsn, client } = counts;
  return { attempts, perSecond, counts: { isn, serverIsn, client } };
}

function isStrong(field: Field): field is StrongField {
  return field === 'isn' || field === 'serverIsn' || field === 'client';
}

function byField<T>(valueOf: (field: Field) => T): Readonly<Record<Field, T>> {
  return Object.fromEntries(FIELDS.map((field) => [field, valueOf(field)])) as Record<Field, T>;
}

function rateOf(connections: readonly Connection[]): number {
  const [first, last] = [connections[0], connections.at(-1)];
  return first && last ? connections.length / Math.max(1, startOf(last) - startOf(first)) : 0;
}
