/** Where maps lie: in the kernel, for its programs, or in this process (memory-map.ts). */
import type { Codec } from './codec.ts';
import { ArrayMap, PerCpuArray, StackMap, TypedMap } from './map.ts';
import type { MapSource } from './object.ts';

export type Table<K, V> = Omit<TypedMap<K, V>, 'ref'>;
export type List<V> = Omit<ArrayMap<V>, 'ref'>;
export type Counters<V> = Omit<PerCpuArray<V>, 'ref'>;
export type Stack<V> = Omit<StackMap<V>, 'ref'>;

/** Maps by the names that contract.h gives them. */
export interface MapMaker {
  table<K, V>(name: string, key: Codec<K>, value: Codec<V>): Table<K, V>;
  array<V>(name: string, value: Codec<V>): List<V>;
  counters<V>(name: string, value: Codec<V>, add: (a: V, b: V) => V): Counters<V>;
  stack<V>(name: string, value: Codec<V>): Stack<V>;
}

export interface KernelMaker extends MapMaker {
  table<K, V>(name: string, key: Codec<K>, value: Codec<V>): TypedMap<K, V>;
  array<V>(name: string, value: Codec<V>): ArrayMap<V>;
  counters<V>(name: string, value: Codec<V>, add: (a: V, b: V) => V): PerCpuArray<V>;
  stack<V>(name: string, value: Codec<V>): StackMap<V>;
}

/** A set of the kernel's maps by what can be done with them. */
export type AnyMaps<M> = { readonly [Name in keyof M]: Omit<M[Name], 'ref'> };

export function kernelMaps(from: MapSource): KernelMaker {
  return {
    table: (name, key, value) => new TypedMap(from.map(name), key, value),
    array: (name, value) => new ArrayMap(from.map(name), value),
    counters: (name, value, add) => new PerCpuArray(from.map(name), value, add),
    stack: (name, value) => new StackMap(from.map(name), value),
  };
}
