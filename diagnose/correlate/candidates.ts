/** Which connections of a later point are worth comparing: those that share anything identifying. */
import type { SocketKey } from './address-book.ts';
import type { Indexes } from './commonness.ts';
import { startOf, type Connection, type Seconds } from './connection.ts';
import { ValueIndex, valuesOf } from './value-index.ts';

/** Of many that share a value, the nearest in time; a value shared by more names nobody. */
const PER_VALUE_MAX = 16;
/** Fields that many connections share by chance. */
const WEAK_FIELDS = ['timestamp', 'ipId', 'payloadHash'] as const;

export class CandidateIndex {
  readonly #attempts: readonly Connection[];
  readonly #indexes: Indexes;
  readonly #toas: ValueIndex;

  /** `attempts` in order of their start, `indexes` of them. */
  constructor(attempts: readonly Connection[], indexes: Indexes) {
    this.#attempts = attempts;
    this.#indexes = indexes;
    this.#toas = new ValueIndex(valuesOf(attempts, ({ toa }) => toa));
  }

  /**
   * Adds to `found` the numbers of attempts with the same ends or sequence numbers; `expected` is
   * when the next point should have seen it, `listed` its source there according to a session list.
   */
  addStrong(
    found: number[],
    earlier: readonly Connection[],
    expected: Seconds,
    listed: SocketKey | undefined,
  ): void {
    const last = earlier.at(-1);
    if (!last) return;
    const { client, isn, serverIsn } = this.#indexes;
    if (listed !== undefined) this.#take(found, client, listed, expected);
    for (const hop of earlier) {
      this.#take(found, client, hop.client, expected);
      this.#take(found, this.#toas, hop.client, expected);
      this.#take(found, client, hop.toa, expected);
      this.#take(found, this.#toas, hop.toa, expected);
    }
    this.#take(found, isn, last.isn, expected);
    this.#take(found, serverIsn, last.serverIsn, expected);
  }

  addWeak(found: number[], last: Connection, expected: Seconds): void {
    for (const field of WEAK_FIELDS) this.#take(found, this.#indexes[field], last[field], expected);
  }

  /** Members are in order of time: the nearest are around one place. */
  #take(found: number[], index: ValueIndex, value: number | undefined, expected: Seconds): void {
    if (value === undefined) return;
    const { members } = index;
    let { from, to } = index.of(value);
    if (to - from > PER_VALUE_MAX) {
      let [low, high] = [from, to];
      while (low < high) {
        const middle = (low + high) >>> 1;
        const connection = this.#attempts[members[middle] ?? 0];
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
}
