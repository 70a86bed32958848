/** Types that keep two numbers, or two strings, of different meaning apart. */

declare const unit: unique symbol;

/** A `Base` that only its own constructor, or a deliberate cast, can produce. */
export type Unit<Base, Name extends string> = Base & { readonly [unit]: Name };

/** A point in time or a duration; as a time of capture, since 1970-01-01 UTC. */
export type Nanoseconds = Unit<bigint, 'Nanoseconds'>;

export function nanoseconds(value: bigint): Nanoseconds {
  return value as Nanoseconds;
}
