/** Kernel maps in memory that write down every change, for tests of what is written and in which order. */
import type { Counters, List, Run, Table } from '../daemon/maps.ts';

/** `listeners + 10.0.23.111:80`: written; with `-`: deleted. */
export type Journal = string[];

export class MemoryTable<K extends object | number, V> implements Table<K, V> {
  readonly #name: string;
  readonly #journal: Journal;
  readonly #entries = new Map<string, { key: K; value: V }>();

  constructor(name: string, journal: Journal) {
    this.#name = name;
    this.#journal = journal;
  }

  get(key: K): V | undefined {
    return this.#entries.get(textOf(key))?.value;
  }

  set(key: K, value: V): void {
    this.#journal.push(`${this.#name} + ${textOf(key)}`);
    this.#entries.set(textOf(key), { key, value });
  }

  delete(key: K): boolean {
    this.#journal.push(`${this.#name} - ${textOf(key)}`);
    return this.#entries.delete(textOf(key));
  }

  keys(): Iterable<K> {
    return [...this.#entries.values()].map(({ key }) => key);
  }

  async setMany(entries: readonly (readonly [K, V])[]): Promise<void> {
    this.#journal.push(`${this.#name} + ${entries.length} entries`);
    for (const [key, value] of entries) this.#entries.set(textOf(key), { key, value });
  }

  async *entries(): AsyncGenerator<[K, V][]> {
    yield [...this.#entries.values()].map(({ key, value }): [K, V] => [key, value]);
  }

  /** Every entry, as texts. */
  dump(): Record<string, V> {
    return Object.fromEntries([...this.#entries].map(([key, { value }]) => [key, value]));
  }
}

export class MemoryList<V> implements List<V>, Run<V>, Counters {
  readonly length: number;
  readonly #name: string;
  readonly #journal: Journal;
  readonly #empty: V;
  readonly #values = new Map<number, V>();

  constructor(name: string, journal: Journal, length: number, empty: V) {
    this.#name = name;
    this.#journal = journal;
    this.length = length;
    this.#empty = empty;
  }

  get(index: number): V {
    this.#check(index);
    return this.#values.get(index) ?? this.#empty;
  }

  set(index: number, value: V): void {
    this.#check(index);
    this.#journal.push(`${this.#name} + ${index}`);
    this.#values.set(index, value);
  }

  async setMany(first: number, values: readonly V[]): Promise<void> {
    this.#check(first + values.length - 1);
    this.#journal.push(`${this.#name} + ${first}..${first + values.length - 1}`);
    values.forEach((value, i) => this.#values.set(first + i, value));
  }

  clear(index: number): void {
    this.#check(index);
    this.#journal.push(`${this.#name} 0 ${index}`);
    this.#values.delete(index);
  }

  #check(index: number): void {
    if (index < 0 || index >= this.length)
      throw new RangeError(`${this.#name} has no index ${index}`);
  }
}

function textOf(key: object | number): string {
  return typeof key === 'number' ? String(key) : JSON.stringify(key, withBigints);
}

function withBigints(_: string, part: unknown): unknown {
  return typeof part === 'bigint' ? String(part) : part;
}
