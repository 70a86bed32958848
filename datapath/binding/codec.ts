/** Describes a C struct field by field, top to bottom, and converts it from and to bytes. */
import type { Ipv4Address, Port } from '../../packet/address.ts';
import { ipAddressBytes, ipAddressFromBytes, type IpAddress } from '../../packet/ip.ts';

/** One value of fixed size at some place in a buffer. Host order is little-endian: x86-64 and arm64. */
export interface Codec<T> {
  readonly bytes: number;
  readonly alignment: number;
  read(from: Buffer, at: number): T;
  write(to: Buffer, at: number, value: T): void;
}
/** Bytes that C wants there and that mean nothing: always zero, in no value. */
export type Padding = Codec<Padding> & { readonly padding: true };
/** A second meaning of the bytes of the field before it, as in a union; not longer than that. */
export type Over<T> = Codec<T> & { readonly over: true };
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

type MeaningOf<F> = {
  -readonly [K in keyof F as F[K] extends Padding ? never : K]: ValueOf<F[K]>;
};
export type Place = { readonly name: string; readonly offset: number; readonly bytes: number };
export interface StructCodec<T> extends Codec<T> {
  /** The struct's name in C. */
  readonly name: string;
  /** Padding included. */
  readonly places: readonly Place[];
  encode(value: T): Buffer;
  decode(bytes: Buffer): T;
}

export const u8 = number(1, 'readUInt8', 'writeUInt8');
export const u16 = number(2, 'readUInt16LE', 'writeUInt16LE');
export const u32 = number(4, 'readUInt32LE', 'writeUInt32LE');
export const be32 = number(4, 'readUInt32BE', 'writeUInt32BE');
export const address4 = be32 as unknown as Codec<Ipv4Address>;
/** IPv6, or IPv4 in its place there. */
export const address6: Codec<IpAddress> = {
  bytes: 16,
  alignment: 4,
  read: (from, at) => ipAddressFromBytes(from.subarray(at, at + 16)),
  write: (to, at, value) => to.set(ipAddressBytes(value), at),
};
export const bePort = number(2, 'readUInt16BE', 'writeUInt16BE') as unknown as Codec<Port>;
export const port = u16 as unknown as Codec<Port>;

export const u64: Codec<bigint> = {
  bytes: 8,
  alignment: 8,
  read: (from, at) => from.readBigUInt64LE(at),
  write: (to, at, value) => void to.writeBigUInt64LE(value, at),
};

/** A 64-bit counter as a number: exact to 2^53, beyond that its low bits are rounded. */
export const counter: Codec<number> = {
  bytes: 8,
  alignment: 8,
  read: (from, at) => from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 2 ** 32,
  write: (to, at, value) => void to.writeBigUInt64LE(BigInt(value), at),
};

export const flag: Codec<boolean> = {
  bytes: 1,
  alignment: 1,
  read: (from, at) => from[at] !== 0,
  write: (to, at, value) => void to.writeUInt8(value ? 1 : 0, at),
};

export function rawBytes(bytes: number): Codec<Uint8Array> {
  return {
    bytes,
    alignment: 1,
    read: (from, at) => Uint8Array.prototype.slice.call(from, at, at + bytes),
    write: (to, at, value) => {
      if (value.length !== bytes)
        throw new RangeError(`expected ${bytes} bytes, got ${value.length}`);
      to.set(value, at);
    },
  };
}

export function padding(bytes: number): Padding {
  const nothing: Padding = {
    padding: true,
    bytes,
    alignment: bytes % 4 === 0 ? 4 : 1,
    read: () => nothing,
    write: (to, at) => void to.fill(0, at, at + bytes),
  };
  return nothing;
}

export function over<T>(codec: Codec<T>): Over<T> {
  return { ...codec, over: true };
}

/** A number of C's enum as one of our words. */
export function named<const N extends Readonly<Record<string, number>>>(
  as: Codec<number>,
  names: N,
): Codec<keyof N & string> {
  const words = new Map(Object.entries(names).map(([word, value]) => [value, word]));
  return {
    bytes: as.bytes,
    alignment: as.alignment,
    read: (from, at) => {
      const word = words.get(as.read(from, at));
      if (word !== undefined) return word;
      throw new RangeError(
        `${as.read(from, at)} is none of ${Object.keys(names).join(', ')}; was this map made by another version?`,
      );
    },
    write: (to, at, word) => {
      const value = names[word];
      if (value === undefined)
        throw new RangeError(`'${word}' is none of ${Object.keys(names).join(', ')}`);
      as.write(to, at, value);
    },
  };
}

export function array<T>(of: Codec<T>, length: number): Codec<T[]> {
  return {
    bytes: of.bytes * length,
    alignment: of.alignment,
    read: (from, at) => Array.from({ length }, (_, i) => of.read(from, at + i * of.bytes)),
    write: (to, at, values) => {
      if (values.length !== length)
        throw new RangeError(`expected ${length} values, got ${values.length}`);
      values.forEach((value, i) => of.write(to, at + i * of.bytes, value));
    },
  };
}

/** Lays the fields out as C does: each at the next multiple of its alignment. */
export function struct<const F extends Readonly<Record<string, Codec<unknown>>>>(
  name: string,
  fields: F,
): StructCodec<MeaningOf<F>> {
  type T = MeaningOf<F>;
  const places: Place[] = [];
  let [end, alignment] = [0, 1];
  for (const [field, codec] of Object.entries(fields)) {
    const before = 'over' in codec ? places.at(-1)?.offset : undefined;
    const offset = before ?? roundUp(end, codec.alignment);
    places.push({ name: field, offset, bytes: codec.bytes });
    end = Math.max(end, offset + codec.bytes);
    alignment = Math.max(alignment, codec.alignment);
  }
  const bytes = roundUp(end, alignment);
  const meaningful = Object.entries(fields).flatMap(([field, codec], i) =>
    'padding' in codec ? [] : [{ field: field as keyof T, codec, offset: places[i]?.offset ?? 0 }],
  );

  const self: StructCodec<T> = {
    name,
    places,
    bytes,
    alignment,
    read: (from, at) => {
      const value = {} as T;
      for (const { field, codec, offset } of meaningful)
        value[field] = codec.read(from, at + offset) as T[keyof T];
      return value;
    },
    write: (to, at, value) => {
      to.fill(0, at, at + bytes);
      for (const { field, codec, offset } of meaningful) codec.write(to, at + offset, value[field]);
    },
    encode: (value) => {
      const to = Buffer.alloc(bytes);
      self.write(to, 0, value);
      return to;
    },
    decode: (from) => {
      if (from.length < bytes)
        throw new RangeError(`struct ${name} has ${bytes} bytes, got ${from.length}`);
      return self.read(from, 0);
    },
  };
  return self;
}

/**
 * Where a struct's fields lie, for code that reads or writes single ones of many.
 *
 * @example slots.readUInt32LE(at + offsetsOf(sessionSlot, 'seen').seen)
 */
export function offsetsOf<T extends string>(
  { name, places }: Pick<StructCodec<unknown>, 'name' | 'places'>,
  ...fields: readonly T[]
): Record<T, number> {
  const offsetOf = (field: T) => {
    const place = places.find((one) => one.name === field);
    if (place === undefined) throw new RangeError(`struct ${name} has no field ${field}`);
    return [field, place.offset] as const;
  };
  return Object.fromEntries(fields.map(offsetOf)) as Record<T, number>;
}

function number(
  bytes: number,
  read: 'readUInt8' | 'readUInt16LE' | 'readUInt16BE' | 'readUInt32LE' | 'readUInt32BE',
  write: 'writeUInt8' | 'writeUInt16LE' | 'writeUInt16BE' | 'writeUInt32LE' | 'writeUInt32BE',
): Codec<number> {
  return {
    bytes,
    alignment: bytes,
    read: (from, at) => from[read](at),
    write: (to, at, value) => void to[write](value, at),
  };
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
