/** Capture points in, conversations with their verdicts out: the offline trace as one function. */
import type { AddressBook } from './address-book.ts';
import type { Connection } from './connection.ts';
import { onFirstClock, type Path } from './health.ts';
import { match as matched, type HopMatch } from './match.ts';
import type { Point } from './point.ts';
import type { SessionIndex } from './sessions.ts';
import { sortedBy } from './sorted-by.ts';
import { judge, type Verdict } from './verdict.ts';

export interface Conversation {
  readonly hops: readonly Connection[];
  /** The weakest of those that joined its hops: it is as sure as that. */
  readonly match: HopMatch | undefined;
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
  const { chains, clocks } = matched(points, sessions);
  const path: Path = { points, clocks };
  const conversations = chains.map(({ hops, match, ambiguous }): Conversation => {
    const verdict = judge(path, hops, ambiguous.length > 0);
    return { hops, match, ambiguous, verdict };
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
