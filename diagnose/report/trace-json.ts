/** A trace as data: the JSON of `fullnat trace --json`, documented in docs/reference/trace-json.md. */
import { z } from 'zod';
import type { Connection, Seconds } from '../correlate/connection.ts';
import { onFirstClock } from '../correlate/health.ts';
import { isFailed, weakestMatch, type Conversation, type Trace } from '../correlate/trace.ts';
import type { HopMatch } from '../correlate/match.ts';
import type { Between, Outcome } from '../correlate/verdict.ts';
import { findingsOf } from '../findings/index.ts';
import type { Point } from '../correlate/point.ts';

const time = z.number().describe('seconds since 1970 by the clock of that point');
const pointName = z.string();

export const TRACE_SCHEMA = z.strictObject({
  points: z.array(
    z.strictObject({
      name: pointName,
      file: z.string(),
      packets: z.int(),
      first: time.nullable(),
      last: time.nullable(),
      clockOffsetSeconds: z
        .number()
        .nullable()
        .describe("the point's clock less the first point's; null: nothing tells"),
      health: z.strictObject({
        state: z.enum(['good', 'damaged', 'dropping', 'empty']),
        droppedPackets: z
          .int()
          .nullable()
          .describe('by the capturing kernel, where the file tells'),
        duplicates: z.int().describe('packets captured twice, counted once'),
        damage: z.array(z.string()),
      }),
    }),
  ),
  summary: z.strictObject({
    conversations: z.int(),
    established: z.int(),
    closed: z.int(),
    refused: z.int(),
    lost: z.int(),
    unanswered: z.int(),
    ambiguous: z.int(),
  }),
  conversations: z.array(
    z.strictObject({
      client: z.string().describe('as the first point saw it'),
      listener: z.string().describe('as the first point saw it'),
      start: time.describe("by the first point's clock"),
      outcome: z.enum(['established', 'closed', 'refused', 'lost', 'unanswered']),
      lostBetween: z
        .tuple([pointName, pointName.nullable()])
        .nullable()
        .describe('in the direction of travel; null second: nothing beyond was captured'),
      direction: z.enum(['forward', 'return']).nullable(),
      hops: z.array(
        z.strictObject({
          point: pointName,
          tuple: z.string(),
          syn: z.array(time),
          synAck: z.array(time),
        }),
      ),
      match: z
        .strictObject({
          by: z.array(z.string()).describe('evidence of the weakest hop, strongest first'),
          confidence: z.number().min(0).max(1),
          margin: z.number().describe('bits ahead of the next best'),
        })
        .nullable()
        .describe('null: seen at one point only'),
      findings: z.array(
        z.strictObject({
          code: z.string(),
          message: z.string(),
          evidence: z.record(z.string(), z.unknown()),
        }),
      ),
    }),
  ),
});

export type TraceJson = z.infer<typeof TRACE_SCHEMA>;
export type ConversationJson = TraceJson['conversations'][number];

/** 0.9999: nothing is certain that was matched and not told. */
const CONFIDENCE_BITS_MAX = 13.2;

export function traceJson(trace: Trace, { all }: { readonly all: boolean }): TraceJson {
  return {
    points: trace.points.map((point, number) => pointJson(trace, point, number)),
    summary: summaryOf(trace),
    conversations: trace.conversations
      .filter((one) => all || isFailed(one))
      .map((one) => conversationJson(trace, one)),
  };
}

export function summaryOf({ conversations }: Trace): TraceJson['summary'] {
  const count = (outcome: Outcome) =>
    conversations.filter(({ verdict }) => verdict.outcome === outcome).length;
  return {
    conversations: conversations.length,
    established: count('established'),
    closed: count('closed'),
    refused: count('refused'),
    lost: count('lost'),
    unanswered: count('unanswered'),
    ambiguous: conversations.filter(({ ambiguous }) => ambiguous.length > 0).length,
  };
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
    match: matchJson(weakestMatch(conversation)),
    findings: isFailed(conversation)
      ? findingsOf(trace, conversation).map(({ code, message, evidence }) => ({
          ...{ code, message },
          evidence: { ...evidence },
        }))
      : [],
  };
}

export function tupleText({ book }: Trace, connection: Connection): string {
  const { clientAddress, clientPort, serverAddress, serverPort } = connection;
  return `${book.socketText(clientAddress, clientPort)} > ${book.socketText(serverAddress, serverPort)}`;
}

/** As sure as the weaker of two doubts: that it is chance, and that it is another. */
export function confidenceOf({ bits, margin }: HopMatch): number {
  const sure = Math.min(bits, margin, CONFIDENCE_BITS_MAX);
  return Math.round((1 - 2 ** -sure) * 10_000) / 10_000;
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
