/** Capture points in, conversations with their verdicts out: the offline trace as one function. */
import type { AddressBook } from './address-book.ts';
import type { Connection } from './connection.ts';
import { onFirstClock, type Path } from './health.ts';
import { match, type HopMatch } from './match.ts';
import type { Point } from './point.ts';
import type { SessionIndex } from './sessions.ts';
import { sortedBy } from './sorted-by.ts';
import { judge, type Verdict } from './verdict.ts';

export interface Conversation {
  readonly hops: readonly Connection[];
  /** One less than hops. */
  readonly matches: readonly HopMatch[];
  /** Where it may have gone on, undecided between these. */
  readonly ambiguous: readonly Connection[];
  readonly verdict: Verdict;
}

export interface Trace extends Path {
  readonly book: AddressBook;
  /** By start, on the first point's clock. */
  readonly conversations: readonly Conversation[];
}

export function trace(
  { book, sessions }: { readonly book: AddressBook; readonly sessions: SessionIndex },
  points: readonly Point[],
): Trace {
  const { chains, clocks } = match(points, sessions);
  const path: Path = { points, clocks };
  const conversations = chains.map(({ hops, matches, ambiguous }): Conversation => {
    const verdict = judge(path, hops, ambiguous.length > 0);
    return { hops, matches, ambiguous, verdict };
  });
  const startOf = ({ hops }: Conversation) => {
    const first = hops[0];
    return first ? onFirstClock(path, first.point, first.firstSeen) : 0;
  };
  return { book, ...path, conversations: sortedBy(conversations, startOf) };
}

export function isFailed({ verdict }: Conversation): boolean {
  switch (verdict.outcome) {
    case 'established':
    case 'closed':
      return false;
    case 'refused':
    case 'lost':
    case 'unanswered':
      return true;
  }
}

/** The weakest of its matches: a chain is as sure as that. */
export function weakestMatch({ matches }: Conversation): HopMatch | undefined {
  return matches.toSorted((a, b) => Math.min(a.margin, a.bits) - Math.min(b.margin, b.bits))[0];
}
