/** What the box between two capture points does to connections, learned from matches that are certain. */
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

export type CertainPair = readonly [earlier: Connection, later: Connection];

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
export function habitsByKind(pairs: readonly CertainPair[]): (later: CertainPair) => Habits {
  const kept = habitsOf(pairs.filter(([a, b]) => isSameTuple(a, b)));
  const translated = habitsOf(pairs.filter(([a, b]) => !isSameTuple(a, b)));
  return ([a, b]) => (isSameTuple(a, b) ? kept : translated);
}

function habitsOf(pairs: readonly CertainPair[]): Habits {
  return {
    keepsIsn: keeps(pairs, ({ isn }) => isn),
    keepsServerIsn: keeps(pairs, ({ serverIsn }) => serverIsn),
    keepsTimestamps: keeps(pairs, ({ timestamp }) => timestamp),
    keepsIpId: keeps(
      pairs.filter(([a, b]) => a.syns.length === 1 && b.syns.length === 1),
      ({ ipId }) => ipId,
    ),
    toaNames:
      keeps(
        pairs.filter(([, b]) => b.toa !== undefined),
        (one) => (one.toa === undefined ? one.clientPort : one.toa.port),
      ) ?? false,
  };
}

/** True or false when nearly all say so, undefined when they differ or are few. */
function keeps(
  pairs: readonly CertainPair[],
  valueOf: (connection: Connection) => number | undefined,
): boolean | undefined {
  const known = pairs.filter(([a, b]) => valueOf(a) !== undefined && valueOf(b) !== undefined);
  if (known.length < PAIRS_LEAST) return undefined;
  const same = known.filter(([a, b]) => valueOf(a) === valueOf(b)).length / known.length;
  if (same >= SHARE) return true;
  return same <= 1 - SHARE ? false : undefined;
}
