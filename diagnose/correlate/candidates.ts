/** Which connections of a later point are worth comparing: those that share anything identifying. */
import type { SocketKey } from './address-book.ts';
import type { StrongIndexes } from './commonness.ts';
import { startOf, type Connection, type Seconds } from './connection.ts';
import { ValueIndex, valuesOf } from './value-index.ts';

/** Of many that share a value, the nearest in time; a value shared by more names nobody. */
const PER_VALUE_MAX = 16;
/** What many connections share by chance. */
const WEAK_FIELDS = ['timestamp', 'ipId', 'payloadHash'] as const;

/** Attempts with the same ends or sequence numbers. */
export class StrongCandidates {
  readonly #attempts: readonly Connection[];
  readonly #strong: readonly [ValueIndex, ValueIndex, ValueIndex];
  readonly #toas: ValueIndex | undefined;

  /** `attempts` in order of their start, `indexes` of them. */
  constructor(attempts: readonly Connection[], indexes: StrongIndexes) {
    this.#attempts = attempts;
    this.#strong = [indexes.of('client'), indexes.of('isn'), indexes.of('serverIsn')];
    const toas = valuesOf(attempts, ({ toa }) => toa);
    this.#toas = toas.every(Number.isNaN) ? undefined : new ValueIndex(toas);
  }

  /**
   * Their numbers; `expected` is when the next point should have seen it, `listed` its source there
   * according to a session list.
   */
  of(earlier: readonly Connection[], expected: Seconds, listed: SocketKey | undefined): number[] {
    const found: number[] = [];
    const last = earlier.at(-1);
    if (!last) return found;
    const [client, isn, serverIsn] = this.#strong;
    const take = (index: ValueIndex | undefined, value: number | undefined) =>
      takeNearest(found, this.#attempts, index, value, expected);
    take(client, listed);
    let before: SocketKey | undefined;
    for (const hop of earlier) {
      if (hop.client !== before) {
        take(client, hop.client);
        take(this.#toas, hop.client);
      }
      take(client, hop.toa);
      take(this.#toas, hop.toa);
      before = hop.client;
    }
    take(isn, last.isn);
    take(serverIsn, last.serverIsn);
    return found;
  }
}

/** Attempts that share what is not certain to name one; `numbers` are those still to be had. */
export class WeakCandidates {
  readonly #attempts: readonly Connection[];
  readonly #numbers: readonly number[];
  readonly #indexes: readonly ValueIndex[];

  constructor(attempts: readonly Connection[], numbers: readonly number[]) {
    this.#numbers = numbers;
    this.#attempts = numbers.flatMap((number) => attempts[number] ?? []);
    this.#indexes = WEAK_FIELDS.map(
      (field) => new ValueIndex(valuesOf(this.#attempts, (one) => one[field])),
    );
  }

  of(last: Connection, expected: Seconds): number[] {
    const found: number[] = [];
    WEAK_FIELDS.forEach((field, i) =>
      takeNearest(found, this.#attempts, this.#indexes[i], last[field], expected),
    );
    return found.flatMap((place) => this.#numbers[place] ?? []);
  }
}

/** Members of an index are in order of time: the nearest are around one place. */
function takeNearest(
  found: number[],
  attempts: readonly Connection[],
  index: ValueIndex | undefined,
  value: number | undefined,
  expected: Seconds,
): void {
  if (value === undefined || !index) return;
  const { members } = index;
  const group = index.group(value);
  let from = index.from(group);
  let to = index.from(group + 1);
  if (to - from > PER_VALUE_MAX) {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const connection = attempts[members[middle] ?? 0];
      if (connection && startOf(connection) < expected) low = middle + 1;
      else high = middle;
    }
    from = Math.max(from, low - PER_VALUE_MAX / 2);
    to = Math.min(to, from + PER_VALUE_MAX);
  }
  for (let i = from; i < to; i += 1) {
    const member = members[i] ?? 0;
    if (!found.includes(member)) found.push(member);
  }
}
