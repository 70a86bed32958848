/** What the box between two capture points does to connections, learned from matches that are certain. */
import { portOf } from './address-book.ts';
import type { Connection } from './connection.ts';
import { isSameTuple } from './connection.ts';

/** `undefined`: not known. */
export interface Habits {
  readonly keepsIsn: boolean | undefined;
  readonly keepsServerIsn: boolean | undefined;
  readonly keepsTimestamps: boolean | undefined;
  readonly keepsIpId: boolean | undefined;
  /** TOA names the client as the earlier point saw it. */
  readonly toaNames: boolean;
}

export interface CertainPair {
  readonly earlier: Connection;
  readonly later: Connection;
}

export type HabitsOf = (earlier: Connection, later: Connection) => Habits;

export const NO_HABITS: Habits = {
  keepsIsn: undefined,
  keepsServerIsn: undefined,
  keepsTimestamps: undefined,
  keepsIpId: undefined,
  toaNames: false,
};

/** Fewer say nothing yet. */
const PAIRS_LEAST = 3;
/** A few of many may be wrong, or answered by another box. */
const SHARE = 0.95;

/** Translated connections and those left alone pass through different code. */
export function habitsByKind(pairs: readonly CertainPair[]): HabitsOf {
  const isKept = ({ earlier, later }: CertainPair) => isSameTuple(earlier, later);
  const kept = habitsOf(pairs.filter(isKept));
  const translated = habitsOf(pairs.filter((pair) => !isKept(pair)));
  return (earlier, later) => (isSameTuple(earlier, later) ? kept : translated);
}

function habitsOf(pairs: readonly CertainPair[]): Habits {
  return {
    keepsIsn: keeps(pairs, ({ isn }) => isn),
    keepsServerIsn: keeps(pairs, ({ serverIsn }) => serverIsn),
    keepsTimestamps: keeps(pairs, ({ timestamp }) => timestamp),
    keepsIpId: keeps(
      pairs.filter(({ earlier, later }) => earlier.synCount === 1 && later.synCount === 1),
      ({ ipId }) => ipId,
    ),
    toaNames:
      keeps(
        pairs.filter(({ later }) => later.toa !== undefined),
        (one) => portOf(one.toa ?? one.client),
      ) ?? false,
  };
}

/** True or false when nearly all say so, undefined when they differ or are few. */
function keeps(
  pairs: readonly CertainPair[],
  valueOf: (connection: Connection) => number | undefined,
): boolean | undefined {
  const known = pairs.filter(
    ({ earlier, later }) => valueOf(earlier) !== undefined && valueOf(later) !== undefined,
  );
  if (known.length < PAIRS_LEAST) return undefined;
  const equal = known.filter(({ earlier, later }) => valueOf(earlier) === valueOf(later));
  const same = equal.length / known.length;
  if (same >= SHARE) return true;
  return same <= 1 - SHARE ? false : undefined;
}
