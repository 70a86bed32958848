/** Entries of kernel maps as bytes: lookup, update, delete, walk, batches. */
import { BpfError, callFailed } from './errors.ts';
import type { MapRef } from './kernel-object.ts';
import { check, ERRNO, inBackground, lib } from './libbpf.ts';

/** `any`: create or replace. `create`: BPF_EXISTS when present. `replace`: BPF_NOT_FOUND when absent. */
export type UpdateMode = 'any' | 'create' | 'replace';
/** `next` continues the walk; undefined at its end. */
export type Batch = { count: number; keys: Buffer; values: Buffer; next: Buffer | undefined };

const UPDATE_FLAGS = { any: 0, create: 1, replace: 2 } as const;
const PER_CPU_TYPES: ReadonlySet<number> = new Set([5, 6, 10, 21]);

let cpus: number | undefined;

/** CPUs that a per-CPU value has a copy for. */
export function possibleCpus(): number {
  return (cpus ??= check(lib().possibleCpus(), 'count', 'possible CPUs'));
}

/** Bytes one value takes in user space: per-CPU maps give one copy per CPU, each rounded up to 8. */
export function valueBytesOf(map: MapRef): number {
  const { type, valueBytes } = map.info;
  return PER_CPU_TYPES.has(type) ? Math.ceil(valueBytes / 8) * 8 * possibleCpus() : valueBytes;
}

export function lookup(map: MapRef, key: Uint8Array | null): Buffer | undefined {
  const value = Buffer.alloc(valueBytesOf(map));
  const result: number = lib().lookup(map.fd, key, value);
  return found(result, 'look up in map', map) ? value : undefined;
}

export function update(
  map: MapRef,
  key: Uint8Array | null,
  value: Uint8Array,
  mode: UpdateMode = 'any',
): void {
  expectBytes(map, 'value', value, valueBytesOf(map));
  written(lib().update(map.fd, key, value, UPDATE_FLAGS[mode]), map);
}

/** Returns whether it was there. */
export function remove(map: MapRef, key: Uint8Array): boolean {
  return found(lib().delete(map.fd, key), 'delete from map', map);
}

/** Takes the newest value off a stack, or the oldest off a queue. */
export function pop(map: MapRef): Buffer | undefined {
  const value = Buffer.alloc(map.info.valueBytes);
  return found(lib().lookupAndDelete(map.fd, null, value), 'pop from map', map) ? value : undefined;
}

/** The key after `key` in the map's own order; the first one when `key` is undefined. */
export function nextKey(map: MapRef, key: Uint8Array | undefined): Buffer | undefined {
  const next = Buffer.alloc(map.info.keyBytes);
  return found(lib().nextKey(map.fd, key ?? null, next), 'walk map', map) ? next : undefined;
}

/** Where a batch of so many entries is read into. */
export type BatchRoom = {
  readonly entries: number;
  readonly keys: Buffer;
  readonly values: Buffer;
};

/** Made once for a walk of many batches: memory that is made and thrown away holds up the event loop. */
export function batchRoom(map: MapRef, entries: number): BatchRoom {
  const keys = Buffer.alloc(entries * map.info.keyBytes);
  return { entries, keys, values: Buffer.alloc(entries * valueBytesOf(map)) };
}

/**
 * Up to `entries` entries from where `from` points, read on a worker thread.
 * A bucket of a hash that is longer than `entries` is read with twice the room.
 */
export async function lookupBatch(
  map: MapRef,
  from: Buffer | undefined,
  entries: number,
  given: BatchRoom = batchRoom(map, entries),
): Promise<Batch> {
  for (let room = given; ; room = batchRoom(map, room.entries * 2)) {
    const { keys, values } = room;
    const next = Buffer.alloc(Math.max(8, map.info.keyBytes));
    const count = [room === given ? entries : room.entries];
    const result = await inBackground(
      lib().lookupBatch,
      map.fd,
      from ?? null,
      next,
      keys,
      values,
      count,
      null,
    );
    if (result === -ERRNO.ENOSPC && room.entries <= map.info.maxEntries) continue;
    const more = found(result, 'read map', map);
    return { count: count[0] ?? 0, keys, values, next: more ? next : undefined };
  }
}

/** The first values of an array, at once: for what is small and read often. */
export function readValues(map: MapRef, entries: number): Buffer {
  const values = Buffer.alloc(entries * valueBytesOf(map));
  const [keys, next] = [Buffer.alloc(entries * map.info.keyBytes), Buffer.alloc(8)];
  const count = [entries];
  found(lib().lookupBatch(map.fd, null, next, keys, values, count, null), 'read map', map);
  return values;
}

/** Writes entries that lie one after another in `keys` and `values`. */
export async function updateBatch(map: MapRef, keys: Buffer, values: Buffer): Promise<void> {
  const count = keys.length / map.info.keyBytes;
  expectBytes(map, 'values', values, count * valueBytesOf(map));
  written(await inBackground(lib().updateBatch, map.fd, keys, values, [count], null), map);
}

function found(result: number, operation: string, map: MapRef): boolean {
  if (result === -ERRNO.ENOENT) return false;
  return check(result, operation, map.name) >= 0;
}

function written(result: number, map: MapRef): void {
  if (result >= 0) return;
  if (-result === ERRNO.E2BIG || -result === ERRNO.ENOSPC)
    throw new BpfError({ code: 'BPF_MAP_FULL', map: map.name, capacity: map.info.maxEntries });
  throw callFailed('update map', map.name, -result);
}

/** C reads as many bytes as the map says, whatever the length of our buffer. */
function expectBytes(map: MapRef, what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected)
    throw new RangeError(
      `${what} of map ${map.name} must have ${expected} bytes, got ${bytes.length}`,
    );
}
