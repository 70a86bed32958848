/** One conversation as a ladder: what was seen where and when, for terminal and page alike. */
import type { Connection, Seconds } from '../correlate/connection.ts';
import { onFirstClock } from '../correlate/health.ts';
import type { Conversation, Trace } from '../correlate/trace.ts';

export type RungKind = 'SYN' | 'SYN+ACK' | 'ACK' | 'FIN' | 'RST' | 'stray ACK' | 'ICMP';

/** One kind of packet at one point, `number` times sent. */
export interface Mark {
  readonly point: number;
  /** Seconds after the conversation began, by the first point's clock. */
  readonly afterSeconds: Seconds;
}

/** One packet on its way: seen at these points, in the order of travel. */
export interface Rung {
  readonly kind: RungKind;
  readonly from: 'client' | 'server';
  readonly marks: readonly Mark[];
  /** It should have reached more points. */
  readonly isLost: boolean;
}

/** Two points see one packet no further apart than this; retransmissions are 0.2 s and more apart. */
const SAME_PACKET_SECONDS = 0.15;

export function ladderOf(trace: Trace, { hops }: Conversation): readonly Rung[] {
  const [first, last] = [hops[0], hops.at(-1)];
  if (!first || !last) return [];
  const start = onFirstClock(trace, first.point, first.syns[0] ?? first.firstSeen);
  const marksOf = (kind: RungKind, from: 'client' | 'server', times: TimesOf): Rung[] =>
    rungs(trace, from === 'client' ? hops : hops.toReversed(), start, { kind, from }, times);
  const deepest = trace.points.length - 1;
  const found = [
    ...marksOf('SYN', 'client', ({ syns }) => syns).map((rung) => ({
      ...rung,
      isLost: (rung.marks.at(-1)?.point ?? 0) < Math.max(last.point, deepest) && !isAnswered(hops),
    })),
    ...marksOf('stray ACK', 'server', ({ strayAcks }) => strayAcks),
    ...marksOf('SYN+ACK', 'server', ({ synAcks }) => synAcks).map((rung) => ({
      ...rung,
      isLost: rung.marks.at(-1)?.point !== first.point,
    })),
    ...marksOf('ICMP', 'server', ({ icmp }) => (icmp ? [icmp.time] : [])),
    ...marksOf('ACK', 'client', ({ clientAck }) => (clientAck === undefined ? [] : [clientAck])),
    ...(['client', 'server'] as const).flatMap((from) =>
      marksOf('RST', from, ({ reset }) => (reset?.from === from ? [reset.time] : [])),
    ),
    ...marksOf('FIN', 'client', ({ fin }) => (fin === undefined ? [] : [fin])),
  ];
  return found.toSorted(
    (a, b) => (a.marks[0]?.afterSeconds ?? 0) - (b.marks[0]?.afterSeconds ?? 0),
  );
}

type TimesOf = (hop: Connection) => readonly Seconds[];

function rungs(
  trace: Trace,
  inOrder: readonly Connection[],
  start: Seconds,
  { kind, from }: Pick<Rung, 'kind' | 'from'>,
  timesOf: TimesOf,
): Rung[] {
  const found: { marks: Mark[]; lastHop: Connection }[] = [];
  for (const hop of inOrder)
    for (const time of timesOf(hop)) {
      const mark = {
        point: hop.point,
        afterSeconds: onFirstClock(trace, hop.point, time) - start,
      };
      const same = found.find(({ marks, lastHop }) => {
        const last = marks.at(-1);
        return (
          last !== undefined &&
          // A box with one interface shows both sides of it at one point.
          lastHop !== hop &&
          Math.abs(last.afterSeconds - mark.afterSeconds) < SAME_PACKET_SECONDS
        );
      });
      if (same) {
        same.marks.push(mark);
        same.lastHop = hop;
      } else found.push({ marks: [mark], lastHop: hop });
    }
  return found.map(({ marks }) => ({ kind, from, marks, isLost: false }));
}

function isAnswered(hops: readonly Connection[]): boolean {
  return hops.some(
    ({ synAcks, reset, icmp }) => synAcks.length > 0 || reset?.isAnswer === true || icmp,
  );
}
