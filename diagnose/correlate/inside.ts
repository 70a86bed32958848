/**
 * Both sides of a box in one capture, as of a balancer with one interface: a connection as it came,
 * and as it went on. They are two hops at one point.
 */
import { assign, type Assignment, type Candidate, type Demands } from './assign.ts';
import { StrongCommonness, type Census, type StrongIndexes } from './commonness.ts';
import { isSameTuple, type Connection, type Seconds } from './connection.ts';
import { weigh } from './evidence.ts';
import { NO_HABITS } from './habits.ts';
import type { SessionIndex } from './sessions.ts';

export interface Inside {
  readonly census: Census;
  readonly indexes: StrongIndexes;
  readonly sessions: SessionIndex;
  /** Number of the point. */
  readonly point: number;
}

/** What a box takes to forward a packet; a capture of one clock needs no more. */
const FORWARDED_SECONDS = 0.1;
/** Of those that share a value: more are a scanner's, and name nobody. */
const SHARED_MAX = 8;

/**
 * Numbers of attempts: as it came, as it went on. One of the two is `fresh`: no point before shows
 * it, or it was the other side that was recognised.
 */
export function pairsInside(
  { census, indexes, sessions, point }: Inside,
  fresh: readonly number[],
  demands: Demands,
): Assignment['pairs'] {
  const { attempts } = census;
  const common = new StrongCommonness(
    Array.from({ length: point + 1 }, () => census),
    census,
  );
  const candidates = new Map<string, Candidate>();
  const compare = (earlier: number, later: number) => {
    const [before, after] = [attempts[earlier], attempts[later]];
    const key = `${earlier} ${later}`;
    if (!before || !after || candidates.has(key) || !mayBeForwarded(before, after)) return;
    const found = weigh({
      ...{ hops: [before], earlier: before, later: after, common, sessions, clock: undefined },
      ...{ earlierNumber: earlier, laterNumber: later, habits: NO_HABITS },
    });
    if (!found) return;
    const { bits, identifyingBits } = found;
    candidates.set(key, { earlier, later, evidence: { bits, identifyingBits, by: found.by() } });
  };
  for (const number of fresh) {
    const own = attempts[number];
    if (!own || (own.toa === undefined && (census.counts.isn[number] ?? 0) < 2)) continue;
    for (const other of sharing(indexes, own)) {
      compare(other, number);
      compare(number, other);
    }
  }
  return candidates.size === 0 ? [] : assign([...candidates.values()], demands).pairs;
}

/** Attempts with its sequence number, or from the client that its TOA names. */
function sharing(indexes: StrongIndexes, { isn: own, toa }: Connection): Set<number> {
  const found = new Set<number>();
  for (const [field, value] of [
    ['isn', own],
    ['client', toa],
  ] as const) {
    if (value === undefined) continue;
    const index = indexes.of(field);
    const group = index.group(value);
    if (group < 0) continue;
    const members = index.members.subarray(index.from(group), index.from(group + 1));
    if (members.length <= SHARED_MAX) for (const member of members) found.add(member);
  }
  return found;
}

/** A router takes one from the TTL: SYNs of one sender that only look alike keep theirs. */
function mayBeForwarded(before: Connection, after: Connection): boolean {
  if (isSameTuple(before, after) || after.ttl >= before.ttl) return false;
  if (before.firstSyn === undefined || after.firstSyn === undefined) return false;
  const delay: Seconds = after.firstSyn - before.firstSyn;
  return delay >= 0 && delay < FORWARDED_SECONDS;
}
