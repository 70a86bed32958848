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
  /** One for all calls: they are many, and each is over before the next begins. */
  readonly #found: number[] = [];
  /** Points show connections in nearly the same order: the one after that which was found last. */
  #next = 0;

  /** `attempts` in order of their start, `indexes` of them. */
  constructor(attempts: readonly Connection[], indexes: StrongIndexes) {
    this.#attempts = attempts;
    this.#strong = [indexes.of('client'), indexes.of('isn'), indexes.of('serverIsn')];
    const toas = valuesOf(attempts, ({ toa }) => toa);
    this.#toas = toas.every(Number.isNaN) ? undefined : new ValueIndex(toas);
  }

  /**
   * Their numbers, valid until the next call; `expected` is when the next point should have seen it,
   * `listed` its source there according to a session list.
   */
  of(
    earlier: readonly Connection[],
    expected: Seconds,
    listed: SocketKey | undefined,
  ): readonly number[] {
    this.#found.length = 0;
    const last = earlier.at(-1);
    if (!last) return this.#found;
    const [client, isn, serverIsn] = this.#strong;
    this.#take(isn, last.isn, expected);
    this.#take(serverIsn, last.serverIsn, expected);
    this.#take(client, listed, expected);
    let before: SocketKey | undefined;
    for (const hop of earlier) {
      if (hop.client !== before) {
        this.#take(client, hop.client, expected);
        this.#take(this.#toas, hop.client, expected);
      }
      this.#take(client, hop.toa, expected);
      this.#take(this.#toas, hop.toa, expected);
      before = hop.client;
    }
    this.#next = (this.#found[0] ?? this.#next) + 1;
    return this.#found;
  }

  /** What a look at the likely ones answers needs no look into the whole index. */
  #take(index: ValueIndex | undefined, value: number | undefined, expected: Seconds): void {
    if (value === undefined || !index) return;
    const found = this.#found;
    for (let i = 0; i < found.length; i += 1) if (index.isSole(found[i] ?? 0, value)) return;
    if (index.isSole(this.#next, value)) found.push(this.#next);
    else takeNearest(found, this.#attempts, index, value, expected);
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
