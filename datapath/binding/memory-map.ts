/** Maps of this process's own, for a data path that is not in the kernel: the same contents, without copies and calls. */
import type { Codec } from './codec.ts';
import { BpfError } from './errors.ts';
import type { UpdateMode } from './kernel-map.ts';
import type { Counters, List, MapMaker, Stack, Table } from './map-maker.ts';
import type { RawValues } from './map.ts';
import type { Capacities } from './object.ts';

/** As many as the kernel gives at a time. */
const BATCH_ENTRIES = 4_096;
/** Of maps whose size nobody decides: access prefixes, verdicts, notes. */
const CAPACITY_DEFAULT = 1_048_576;

/** `capacities` by map name, as for the kernel's. */
export function memoryMaps(capacities: Capacities): MapMaker {
  const room = (name: string) => ({ name, capacity: capacities[name] ?? CAPACITY_DEFAULT });
  return {
    table: (name, key) => new MemoryTable(room(name), key),
    array: (name, value) => new MemoryList(room(name), value),
    counters: (name, value) => new MemoryCounters(room(name), value),
    stack: (name) => new MemoryStack(room(name)),
  };
}

type Room = { readonly name: string; readonly capacity: number };

export class MemoryTable<K, V> implements Table<K, V> {
  readonly #room: Room;
  readonly #key: Codec<K>;
  readonly #entries = new Map<string, { readonly key: K; readonly value: V }>();

  constructor(room: Room, key: Codec<K>) {
    this.#room = room;
    this.#key = key;
  }

  get(key: K): V | undefined {
    return this.#entries.get(this.#textOf(key))?.value;
  }

  set(key: K, value: V, mode: UpdateMode = 'any'): void {
    const text = this.#textOf(key);
    const isThere = this.#entries.has(text);
    const { name, capacity } = this.#room;
    const call = { operation: 'update map', subject: name };
    if (isThere && mode === 'create') throw new BpfError({ code: 'BPF_EXISTS', ...call });
    if (!isThere && mode === 'replace') throw new BpfError({ code: 'BPF_NOT_FOUND', ...call });
    if (!isThere && this.#entries.size >= capacity) throw isFull(this.#room);
    this.#entries.set(text, { key, value });
  }

  async setMany(entries: readonly (readonly [K, V])[]): Promise<void> {
    for (const [key, value] of entries) this.set(key, value);
  }

  delete(key: K): boolean {
    return this.#entries.delete(this.#textOf(key));
  }

  *keys(): Generator<K> {
    for (const { key } of this.#entries.values()) yield key;
  }

  async *entries(batchEntries: number = BATCH_ENTRIES): AsyncGenerator<[K, V][]> {
    const all = [...this.#entries.values()];
    for (let first = 0; first < all.length; first += batchEntries)
      yield all.slice(first, first + batchEntries).map(({ key, value }): [K, V] => [key, value]);
  }

  async count(): Promise<number> {
    return this.#entries.size;
  }

  /** Two keys are the same when their bytes are. */
  #textOf(key: K): string {
    const bytes = Buffer.alloc(this.#key.bytes);
    this.#key.write(bytes, 0, key);
    return bytes.toString('latin1');
  }
}

/** Holds only what was written; the rest reads as zeros. */
export class MemoryList<V> implements List<V> {
  readonly length: number;
  readonly #name: string;
  readonly #codec: Codec<V>;
  readonly #values = new Map<number, V>();

  constructor({ name, capacity }: Room, codec: Codec<V>) {
    this.length = capacity;
    this.#name = name;
    this.#codec = codec;
  }

  get(index: number): V {
    this.#check(index);
    return this.#values.get(index) ?? this.#codec.read(Buffer.alloc(this.#codec.bytes), 0);
  }

  values(to: number): V[] {
    return Array.from({ length: to }, (_, index) => this.get(index));
  }

  set(index: number, value: V): void {
    this.#check(index);
    this.#values.set(index, value);
  }

  async setMany(first: number, values: readonly V[]): Promise<void> {
    values.forEach((value, i) => this.set(first + i, value));
  }

  async *raw({ from = 0, to = this.length, batchEntries = BATCH_ENTRIES } = {}): AsyncGenerator<
    RawValues,
    void
  > {
    const { bytes } = this.#codec;
    for (let first = from; first < to; first += batchEntries) {
      const count = Math.min(batchEntries, to - first);
      const values = Buffer.alloc(count * bytes);
      for (let i = 0; i < count; i++) this.#codec.write(values, i * bytes, this.get(first + i));
      yield { first, values, count };
    }
  }

  async *entries({ from = 0, to = this.length, batchEntries = BATCH_ENTRIES } = {}): AsyncGenerator<
    [number, V][]
  > {
    for (let first = from; first < to; first += batchEntries)
      yield Array.from({ length: Math.min(batchEntries, to - first) }, (_, i): [number, V] => [
        first + i,
        this.get(first + i),
      ]);
  }

  #check(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.length)
      throw outOfRange({ name: this.#name, capacity: this.length }, index);
  }
}

export class MemoryCounters<V> implements Counters<V> {
  readonly length: number;
  readonly #name: string;
  readonly #codec: Codec<V>;
  readonly #values = new Map<number, V>();

  constructor({ name, capacity }: Room, codec: Codec<V>) {
    this.length = capacity;
    this.#name = name;
    this.#codec = codec;
  }

  /** Brings in what happened since: there is one writer, so nothing is lost between. */
  add(index: number, change: (value: V) => V): void {
    this.#values.set(index, change(this.sum(index)));
  }

  sum(index: number): V {
    if (!Number.isInteger(index) || index < 0 || index >= this.length)
      throw outOfRange({ name: this.#name, capacity: this.length }, index);
    return this.#values.get(index) ?? this.#codec.read(Buffer.alloc(this.#codec.bytes), 0);
  }

  perCpu(index: number): V[] {
    return [this.sum(index)];
  }

  sums(to: number = this.length): V[] {
    return Array.from({ length: to }, (_, index) => this.sum(index));
  }

  clear(index: number): void {
    this.#values.delete(index);
  }

  async *entries({ from = 0, to = this.length, batchEntries = BATCH_ENTRIES } = {}): AsyncGenerator<
    [number, V][]
  > {
    for (let first = from; first < to; first += batchEntries)
      yield Array.from({ length: Math.min(batchEntries, to - first) }, (_, i): [number, V] => [
        first + i,
        this.sum(first + i),
      ]);
  }
}

export class MemoryStack<V> implements Stack<V> {
  readonly #room: Room;
  readonly #values: V[] = [];

  constructor(room: Room) {
    this.#room = room;
  }

  push(value: V): void {
    if (this.#values.length >= this.#room.capacity) throw isFull(this.#room);
    this.#values.push(value);
  }

  pop(): V | undefined {
    return this.#values.pop();
  }
}

function isFull({ name, capacity }: Room): BpfError {
  return new BpfError({ code: 'BPF_MAP_FULL', map: name, capacity });
}

function outOfRange({ name, capacity }: Room, index: number): RangeError {
  return new RangeError(
    `map ${name} has indexes 0..${capacity - 1}, got ${index}; raise its capacity`,
  );
}
