/** A trace as data: the JSON of `fullnat trace --json`, documented in docs/reference/trace-json.md. */
import type { Connection, Seconds } from '../correlate/connection.ts';
import { onFirstClock } from '../correlate/health.ts';
import { isFailed, type Conversation, type Trace } from '../correlate/trace.ts';
import type { HopMatch } from '../correlate/match.ts';
import type { Between } from '../correlate/verdict.ts';
import type { Finding } from '../findings/finding.ts';
import { findingsOf } from '../findings/index.ts';
import { proxiesOf } from '../findings/proxies.ts';
import type { ConversationJson, TraceJson } from './trace-schema.ts';
import type { Point } from '../correlate/point.ts';

/** 0.9999: nothing is certain that was matched and not told. */
const CONFIDENCE_BITS_MAX = 13.2;

export function traceJson(trace: Trace, { all }: { readonly all: boolean }): TraceJson {
  return {
    points: pointsJson(trace),
    summary: summaryOf(trace),
    notes: proxiesOf(trace).map(findingJson),
    conversations: trace.conversations
      .filter((one) => all || isFailed(one))
      .map((one) => conversationJson(trace, one)),
  };
}

export function pointsJson(trace: Trace): TraceJson['points'] {
  return trace.points.map((point, number) => pointJson(trace, point, number));
}

export function summaryOf({ conversations }: Trace): TraceJson['summary'] {
  const counts = { established: 0, closed: 0, refused: 0, lost: 0, unanswered: 0 };
  let unsure = 0;
  for (const { verdict, ambiguous } of conversations) {
    counts[verdict.outcome] += 1;
    if (ambiguous.length > 0) unsure += 1;
  }
  return { conversations: conversations.length, ...counts, ambiguous: unsure };
}

export function conversationJson(trace: Trace, conversation: Conversation): ConversationJson {
  const { hops, verdict } = conversation;
  const [first] = hops;
  if (!first) throw new RangeError('a conversation must have been seen at one point');
  const lost = verdict.outcome === 'lost' || verdict.outcome === 'unanswered';
  const between = lost ? verdict.lostBetween : null;
  return {
    client: trace.book.socketText(first.clientAddress, first.clientPort),
    listener: trace.book.socketText(first.serverAddress, first.serverPort),
    start: micros(onFirstClock(trace, first.point, first.firstSeen)),
    outcome: verdict.outcome,
    lostBetween: between && betweenNames(trace, between),
    direction: lost ? verdict.direction : null,
    hops: hops.map((hop) => ({
      point: trace.points[hop.point]?.name ?? '',
      tuple: tupleText(trace, hop),
      syn: hop.syns.map(micros),
      synAck: hop.synAcks.map(micros),
    })),
    match: matchJson(conversation.match),
    findings: isFailed(conversation) ? findingsOf(trace, conversation).map(findingJson) : [],
  };
}

export function tupleText({ book }: Trace, connection: Connection): string {
  return `${book.keyText(connection.client)} > ${book.keyText(connection.server)}`;
}

/** As sure as the weaker of two doubts: that it is chance, and that it is another. */
export function confidenceOf({ bits, margin }: HopMatch): number {
  const sure = Math.min(bits, margin, CONFIDENCE_BITS_MAX);
  return Math.round((1 - 2 ** -sure) * 10_000) / 10_000;
}

function findingJson({ code, message, evidence }: Finding): TraceJson['notes'][number] {
  return { code, message, evidence: { ...evidence } };
}

function matchJson(match: HopMatch | undefined): ConversationJson['match'] {
  return match === undefined
    ? null
    : { by: [...match.by], confidence: confidenceOf(match), margin: tenths(match.margin) };
}

function betweenNames({ points }: Trace, [from, to]: Between): [string, string | null] {
  return [points[from]?.name ?? '', to === null ? null : (points[to]?.name ?? '')];
}

function pointJson(trace: Trace, point: Point, number: number): TraceJson['points'][number] {
  const dropped = point.interfaces.flatMap(({ droppedPackets }) => droppedPackets ?? []);
  const droppedPackets = dropped.length === 0 ? null : dropped.reduce((a, b) => a + b, 0);
  const damage = point.damages.map(({ message }) => message);
  const clock = trace.clocks[number];
  return {
    name: point.name,
    file: point.file,
    packets: point.packets,
    first: point.first === undefined ? null : micros(point.first),
    last: point.last === undefined ? null : micros(point.last),
    clockOffsetSeconds: clock === undefined ? null : micros(clock.offset),
    health: {
      state: stateOf(point, droppedPackets),
      droppedPackets,
      duplicates: point.duplicates,
      damage,
    },
  };
}

function stateOf(
  { packets, damages }: Point,
  dropped: number | null,
): TraceJson['points'][number]['health']['state'] {
  if (damages.length > 0) return 'damaged';
  if (packets === 0) return 'empty';
  return dropped !== null && dropped > 0 ? 'dropping' : 'good';
}

function micros(seconds: Seconds): number {
  return Math.round(seconds * 1e6) / 1e6;
}

function tenths(bits: number): number {
  return Math.round(bits * 10) / 10;
}
