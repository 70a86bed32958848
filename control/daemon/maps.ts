/** Kernel maps as the reconcilers see them: a test has its own in memory. */

export interface Table<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): boolean;
  keys(): Iterable<K>;
}

export interface List<V> {
  readonly length: number;
  get(index: number): V;
  set(index: number, value: V): void;
}

/** A long array that is written in runs. */
export interface Run<V> {
  readonly length: number;
  get(index: number): V;
  setMany(first: number, values: readonly V[]): Promise<void>;
}

export interface Counters {
  clear(index: number): void;
}
