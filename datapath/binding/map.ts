/** Kernel maps with typed keys and values; reading many entries goes in batches off the main thread. */
import type { Codec } from './codec.ts';
import {
  batchRoom,
  lookup,
  lookupBatch,
  nextKey,
  pop,
  possibleCpus,
  readValues,
  remove,
  update,
  updateBatch,
  valueBytesOf,
  type UpdateMode,
} from './kernel-map.ts';
import type { MapRef } from './kernel-object.ts';

/** 4096 entries take the kernel about 0.4 ms and fit a CPU's cache. */
const BATCH_ENTRIES = 4096;
const INDEX_BYTES = 4;

/** `count` values of an array from index `first` on, until the next batch is read. */
export type RawValues = { first: number; values: Buffer; count: number };

/** A hash or trie. */
export class TypedMap<K, V> {
  readonly ref: MapRef;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;

  constructor(ref: MapRef, key: Codec<K>, value: Codec<V>) {
    expectSizes(ref, key.bytes, value.bytes);
    this.ref = ref;
    this.#key = key;
    this.#value = value;
  }

  get(key: K): V | undefined {
    const value = lookup(this.ref, encode(this.#key, key));
    return value && this.#value.read(value, 0);
  }

  /** Throws BPF_MAP_FULL when there is no room. */
  set(key: K, value: V, mode: UpdateMode = 'any'): void {
    update(this.ref, encode(this.#key, key), encode(this.#value, value), mode);
  }

  /** Writes entries off the main thread, batch by batch. */
  async setMany(entries: readonly (readonly [K, V])[]): Promise<void> {
    for (let first = 0; first < entries.length; first += BATCH_ENTRIES) {
      const batch = entries.slice(first, first + BATCH_ENTRIES);
      const keys = Buffer.concat(batch.map(([key]) => encode(this.#key, key)));
      const values = Buffer.concat(batch.map(([, value]) => encode(this.#value, value)));
      await updateBatch(this.ref, keys, values);
    }
  }

  /** Returns whether it was there. */
  delete(key: K): boolean {
    return remove(this.ref, encode(this.#key, key));
  }

  /** One by one and at once: for small maps that nobody else changes meanwhile. */
  *keys(): Generator<K> {
    let key = nextKey(this.ref, undefined);
    for (; key !== undefined; key = nextKey(this.ref, key)) yield this.#key.read(key, 0);
  }

  /** While the kernel inserts and deletes, an entry may be missed or come twice. */
  async *entries(batchEntries: number = BATCH_ENTRIES): AsyncGenerator<[K, V][]> {
    const [keyBytes, valueBytes] = [this.#key.bytes, valueBytesOf(this.ref)];
    let next: Buffer | undefined;
    do {
      const batch = await lookupBatch(this.ref, next, batchEntries);
      if (batch.count > 0)
        yield Array.from({ length: batch.count }, (_, i) => [
          this.#key.read(batch.keys, i * keyBytes),
          this.#value.read(batch.values, i * valueBytes),
        ]);
      next = batch.next;
    } while (next !== undefined);
  }

  async count(): Promise<number> {
    let total = 0;
    let next: Buffer | undefined;
    do {
      const batch = await lookupBatch(this.ref, next, BATCH_ENTRIES);
      total += batch.count;
      next = batch.next;
    } while (next !== undefined);
    return total;
  }
}

/** Values by index; all exist from the start, as zeros. */
export class ArrayMap<V> {
  readonly ref: MapRef;
  readonly #value: Codec<V>;

  constructor(ref: MapRef, value: Codec<V>) {
    expectSizes(ref, INDEX_BYTES, value.bytes);
    this.ref = ref;
    this.#value = value;
  }

  get length(): number {
    return this.ref.info.maxEntries;
  }

  get(index: number): V {
    return this.#value.read(valueAt(this.ref, index), 0);
  }

  /** The first values, at once: for maps of some hundred entries at most. */
  values(to: number): V[] {
    const values = to === 0 ? Buffer.alloc(0) : readValues(this.ref, to);
    return Array.from({ length: to }, (_, i) => this.#value.read(values, i * this.#value.bytes));
  }

  set(index: number, value: V): void {
    update(this.ref, indexKey(this.ref, index), encode(this.#value, value));
  }

  /** Writes values from index `first` on, off the main thread. */
  async setMany(first: number, values: readonly V[]): Promise<void> {
    if (values.length === 0) return;
    const bytes = Buffer.alloc(values.length * this.#value.bytes);
    values.forEach((value, i) => this.#value.write(bytes, i * this.#value.bytes, value));
    const keys = Buffer.alloc(values.length * INDEX_BYTES);
    values.forEach((_, i) => indexKey(this.ref, first + i).copy(keys, i * INDEX_BYTES));
    await updateBatch(this.ref, keys, bytes);
  }

  /** Values as bytes, one after another, from index `from` up to, not including, `to`; each batch lies where the last one lay. */
  raw({
    from = 0,
    to = this.length,
    batchEntries = BATCH_ENTRIES,
  } = {}): AsyncGenerator<RawValues> {
    return readArray(this.ref, from, to, batchEntries);
  }

  /** `[index, value]` pairs from index `from` up to, not including, `to`. */
  async *entries({ from = 0, to = this.length, batchEntries = BATCH_ENTRIES } = {}): AsyncGenerator<
    [number, V][]
  > {
    for await (const { first, values, count } of readArray(this.ref, from, to, batchEntries))
      yield Array.from({ length: count }, (_, i) => [
        first + i,
        this.#value.read(values, i * this.#value.bytes),
      ]);
  }
}

/** Values by index with one copy per CPU. */
export class PerCpuArray<V> {
  readonly ref: MapRef;
  readonly #value: Codec<V>;
  readonly #add: (a: V, b: V) => V;
  readonly #copyBytes: number;

  constructor(ref: MapRef, value: Codec<V>, add: (a: V, b: V) => V) {
    expectSizes(ref, INDEX_BYTES, value.bytes);
    this.ref = ref;
    this.#value = value;
    this.#add = add;
    this.#copyBytes = valueBytesOf(ref) / possibleCpus();
  }

  get length(): number {
    return this.ref.info.maxEntries;
  }

  /** The copies of all CPUs. */
  perCpu(index: number): V[] {
    return this.#copies(valueAt(this.ref, index), 0);
  }

  sum(index: number): V {
    return this.perCpu(index).reduce(this.#add);
  }

  /** Sums by index: for maps of some hundred entries at most. */
  sums(to: number = this.length): V[] {
    const values = readValues(this.ref, to);
    const bytes = valueBytesOf(this.ref);
    return Array.from({ length: to }, (_, index) =>
      this.#copies(values, index * bytes).reduce(this.#add),
    );
  }

  /** Zero on every CPU, for an index that gets a new meaning. */
  clear(index: number): void {
    update(this.ref, indexKey(this.ref, index), Buffer.alloc(valueBytesOf(this.ref)));
  }

  async *entries({ from = 0, to = this.length, batchEntries = BATCH_ENTRIES } = {}): AsyncGenerator<
    [number, V][]
  > {
    const bytes = valueBytesOf(this.ref);
    for await (const { first, values, count } of readArray(this.ref, from, to, batchEntries))
      yield Array.from({ length: count }, (_, i) => [
        first + i,
        this.#copies(values, i * bytes).reduce(this.#add),
      ]);
  }

  #copies(bytes: Buffer, at: number): V[] {
    return Array.from({ length: possibleCpus() }, (_, cpu) =>
      this.#value.read(bytes, at + cpu * this.#copyBytes),
    );
  }
}

/** A stack or queue of values. */
export class StackMap<V> {
  readonly ref: MapRef;
  readonly #value: Codec<V>;

  constructor(ref: MapRef, value: Codec<V>) {
    expectSizes(ref, 0, value.bytes);
    this.ref = ref;
    this.#value = value;
  }

  /** Throws BPF_MAP_FULL when there is no room. */
  push(value: V): void {
    update(this.ref, null, encode(this.#value, value));
  }

  pop(): V | undefined {
    const value = pop(this.ref);
    return value && this.#value.read(value, 0);
  }
}

export function addNumbers(a: number, b: number): number {
  return a + b;
}

/** Field by field. */
export function addCounters<V extends Readonly<Record<string, number>>>(a: V, b: V): V {
  return Object.fromEntries(
    Object.entries(a).map(([field, value]) => [field, value + (b[field] ?? 0)]),
  ) as V;
}

async function* readArray(
  map: MapRef,
  from: number,
  to: number,
  batchEntries: number,
): AsyncGenerator<RawValues> {
  const room = batchRoom(map, Math.max(0, Math.min(batchEntries, to - from)));
  for (let first = from; first < to;) {
    const after = first === 0 ? undefined : indexKey(map, first - 1);
    const batch = await lookupBatch(map, after, Math.min(batchEntries, to - first), room);
    if (batch.count === 0) return;
    yield { first, values: batch.values, count: batch.count };
    first += batch.count;
  }
}

function encode<T>(codec: Codec<T>, value: T): Buffer {
  const bytes = Buffer.alloc(codec.bytes);
  codec.write(bytes, 0, value);
  return bytes;
}

function valueAt(map: MapRef, index: number): Buffer {
  const value = lookup(map, indexKey(map, index));
  if (value === undefined) throw outOfRange(map, index);
  return value;
}

function indexKey(map: MapRef, index: number): Buffer {
  if (!Number.isInteger(index) || index < 0 || index >= map.info.maxEntries)
    throw outOfRange(map, index);
  const key = Buffer.alloc(INDEX_BYTES);
  key.writeUInt32LE(index);
  return key;
}

function outOfRange(map: MapRef, index: number): RangeError {
  return new RangeError(
    `map ${map.name} has indexes 0..${map.info.maxEntries - 1}, got ${index}; raise its capacity`,
  );
}

function expectSizes({ name, info }: MapRef, keyBytes: number, valueBytes: number): void {
  if (info.keyBytes !== keyBytes || info.valueBytes !== valueBytes)
    throw new RangeError(
      `map ${name} has keys of ${info.keyBytes} and values of ${info.valueBytes} bytes, contract.ts says ${keyBytes} and ${valueBytes}`,
    );
}
