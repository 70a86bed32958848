/** Capture points in, conversations with their verdicts out: the offline trace as one function. */
import type { AddressBook } from './address-book.ts';
import type { Connection } from './connection.ts';
import type { KernelDrop } from './kernel-drop.ts';
import { onFirstClock, type Path } from './health.ts';
import { Matcher, type HopMatch } from './match.ts';
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
  /** What the kernel of a live point's machine threw away meanwhile. */
  readonly drops: readonly KernelDrop[];
}

export interface TraceTools {
  readonly book: AddressBook;
  readonly sessions: SessionIndex;
  readonly drops?: readonly KernelDrop[];
}

export function trace(tools: TraceTools, points: readonly Point[]): Trace {
  const tracer = new Tracer(tools);
  for (const point of points) tracer.add(point);
  return tracer.finish();
}

/** The same, point by point in path order: what has been read is matched while more is read. */
export class Tracer {
  readonly #book: AddressBook;
  readonly #points: Point[] = [];
  readonly #matcher: Matcher;
  readonly #drops: readonly KernelDrop[];

  constructor({ book, sessions, drops = [] }: TraceTools) {
    this.#book = book;
    this.#drops = drops;
    this.#matcher = new Matcher(sessions);
  }

  add(point: Point): void {
    this.#points.push(point);
    this.#matcher.add(point);
  }

  finish(): Trace {
    const { chains, clocks } = this.#matcher;
    const path: Path = { points: this.#points, clocks };
    const conversations = chains.map(({ hops, match, ambiguous }): Conversation => {
      const verdict = judge(path, hops, ambiguous.length > 0);
      return { hops, match, ambiguous, verdict };
    });
    const startOf = ({ hops }: Conversation) => {
      const first = hops[0];
      return first ? onFirstClock(path, first.point, first.firstSeen) : 0;
    };
    const [book, drops] = [this.#book, this.#drops];
    return { book, ...path, drops, conversations: sortedBy(conversations, startOf) };
  }
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
