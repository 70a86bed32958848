/** Whether a capture point would have shown a packet: an absence is evidence only if it would. */
import type { Connection, Seconds } from './connection.ts';
import type { ClockEstimate } from './clock.ts';
import type { Point } from './point.ts';

/** Why the absence of a packet at a point proves nothing. */
export type Gap =
  | { readonly kind: 'no-packets'; readonly point: number }
  | { readonly kind: 'began-later'; readonly point: number; readonly bySeconds: Seconds }
  | { readonly kind: 'ended-before'; readonly point: number; readonly bySeconds: Seconds }
  /** It never shows what comes back: its filter, or another path. */
  | { readonly kind: 'no-replies'; readonly point: number };

export interface Path {
  readonly points: readonly Point[];
  readonly clocks: readonly (ClockEstimate | undefined)[];
}

/** A time by the clock of the first point. */
export function onFirstClock({ clocks }: Path, point: number, time: Seconds): Seconds {
  return time - (clocks[point]?.offset ?? 0);
}

/** `sent` are by the first point's clock; one of them within the capture is enough. */
export function gapFor(path: Path, number: number, sent: readonly Seconds[]): Gap | undefined {
  const point = path.points[number];
  const [earliest, latest] = [sent[0], sent.at(-1)];
  if (point?.first === undefined || point.last === undefined)
    return { kind: 'no-packets', point: number };
  if (earliest === undefined || latest === undefined) return undefined;
  const first = onFirstClock(path, number, point.first);
  const last = onFirstClock(path, number, point.last);
  if (sent.some((time) => first <= time && time <= last)) return undefined;
  if (latest < first) return { kind: 'began-later', point: number, bySeconds: first - latest };
  return { kind: 'ended-before', point: number, bySeconds: Math.max(0, earliest - last) };
}

export function replyGapFor(path: Path, number: number, sent: readonly Seconds[]): Gap | undefined {
  const gap = gapFor(path, number, sent);
  if (gap) return gap;
  const seesReplies = path.points[number]?.connections.some(hasReply) ?? false;
  return seesReplies ? undefined : { kind: 'no-replies', point: number };
}

export function hasReply({ firstSynAck, reset }: Connection): boolean {
  return firstSynAck !== undefined || reset?.isAnswer === true;
}
