/** Gives keys their indices in the kernel's arrays; who has one keeps it. */

export type Room = {
  readonly capacity: number;
  /** Not to be given to anyone new. */
  readonly taken: ReadonlySet<number>;
  /** Given away when nothing else is left. */
  readonly lastResort?: readonly number[];
};

/** More is wanted than the maps have room for. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

export function assign(
  what: string,
  wanted: readonly string[],
  held: ReadonlyMap<string, number>,
  { capacity, taken, lastResort = [] }: Room,
): Map<string, number> {
  const assigned = new Map<string, number>();
  const given = new Set<number>();
  for (const key of wanted) {
    const index = held.get(key);
    if (index === undefined) continue;
    assigned.set(key, index);
    given.add(index);
  }
  const free = freeIndices(capacity, taken, lastResort);
  for (const key of wanted) {
    if (assigned.has(key)) continue;
    let index = free.next();
    while (index.done !== true && given.has(index.value)) index = free.next();
    if (index.done === true)
      throw new NoRoomError(
        `there is room for ${capacity} ${what} in the kernel's maps, and none is left for ${key}; remove some, wait until sessions of earlier ones have ended, or run fullnat detach`,
      );
    assigned.set(key, index.value);
    given.add(index.value);
  }
  return assigned;
}

function* freeIndices(
  capacity: number,
  taken: ReadonlySet<number>,
  lastResort: readonly number[],
): Generator<number, void> {
  for (let index = 0; index < capacity; index++) if (!taken.has(index)) yield index;
  yield* lastResort;
}
