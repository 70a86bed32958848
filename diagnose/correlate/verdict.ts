/** What became of a connection attempt, and between which two capture points it was lost. */
import type { Connection, Seconds } from './connection.ts';
import { gapFor, hasReply, onFirstClock, replyGapFor, type Gap, type Path } from './health.ts';

/** In the direction of travel; null: nothing beyond was captured that could tell. */
export type Between = readonly [from: number, to: number | null];

export type Verdict =
  | { readonly outcome: 'established' | 'closed' }
  /** Who sent the RST, or the ICMP error, is between these two: it was seen at the first, and not at the second. */
  | { readonly outcome: 'refused'; readonly by: 'rst' | 'icmp'; readonly sentBetween: Between }
  | {
      readonly outcome: 'lost' | 'unanswered';
      readonly lostBetween: Between | null;
      readonly direction: 'forward' | 'return' | null;
      /** Points that were passed over in this verdict, because their silence proves nothing. */
      readonly gaps: readonly Gap[];
    };

/** Of a hundred thousand conversations nearly all: one object for them. */
const ESTABLISHED: Verdict = { outcome: 'established' };
const CLOSED: Verdict = { outcome: 'closed' };

/** `hops` in path order, at least one. `isOpen`: it may have gone on, and nobody knows as which. */
export function judge(path: Path, hops: readonly Connection[], isOpen: boolean): Verdict {
  const [first, last] = [hops[0], hops.at(-1)];
  if (!first || !last) throw new RangeError('a conversation must have been seen at one point');
  if (first.firstSynAck !== undefined)
    return first.fin !== undefined || first.reset ? CLOSED : ESTABLISHED;
  if (first.reset?.isAnswer)
    return { outcome: 'refused', by: 'rst', sentBetween: refusal(path, hops, 'rst') };
  // Who opens a connection may go on trying after an ICMP error; it is an answer all the same.
  const answered = hops.find(hasReply);
  if (!answered && hops.some(({ icmp }) => icmp))
    return { outcome: 'refused', by: 'icmp', sentBetween: refusal(path, hops, 'icmp') };
  if (answered) return lostOnReturn(path, hops, answered);
  if (isOpen) return { outcome: 'unanswered', lostBetween: null, direction: null, gaps: [] };
  return lostOnTheWay(path, last);
}

function lostOnTheWay(path: Path, last: Connection): Verdict {
  const sent = last.syns.map((time) => onFirstClock(path, last.point, time));
  const gaps: Gap[] = [];
  for (let next = last.point + 1; next < path.points.length; next += 1) {
    const gap = gapFor(path, next, sent);
    if (!gap)
      return { outcome: 'lost', lostBetween: [last.point, next], direction: 'forward', gaps };
    gaps.push(gap);
  }
  return {
    outcome: 'unanswered',
    lostBetween: [last.point, null],
    direction: 'forward',
    gaps,
  };
}

/** The answer was seen at `answered` and at none of the hops before it. */
function lostOnReturn(path: Path, hops: readonly Connection[], answered: Connection): Verdict {
  const sent = repliesOf(answered).map((time) => onFirstClock(path, answered.point, time));
  const gaps: Gap[] = [];
  for (const hop of hops.slice(0, hops.indexOf(answered)).toReversed()) {
    const gap = replyGapFor(path, hop.point, sent);
    if (!gap)
      return {
        outcome: 'lost',
        lostBetween: [answered.point, hop.point],
        direction: 'return',
        gaps,
      };
    gaps.push(gap);
  }
  return { outcome: 'unanswered', lostBetween: null, direction: 'return', gaps };
}

/** It came from beyond the last point that shows it. */
function refusal(path: Path, hops: readonly Connection[], by: 'rst' | 'icmp'): Between {
  const shows = ({ reset, icmp }: Connection) =>
    by === 'rst' ? reset?.from === 'server' : icmp !== undefined;
  const deepest = hops.findLast(shows) ?? hops[0];
  if (!deepest) throw new RangeError('a conversation must have been seen at one point');
  const sent = repliesOf(deepest).map((time) => onFirstClock(path, deepest.point, time));
  for (let next = deepest.point + 1; next < path.points.length; next += 1)
    if (!replyGapFor(path, next, sent)) return [deepest.point, next];
  return [deepest.point, null];
}

function repliesOf({ synAcks, reset, icmp }: Connection): readonly Seconds[] {
  if (synAcks.length > 0) return synAcks;
  const other = reset ?? icmp;
  return other ? [other.time] : [];
}
