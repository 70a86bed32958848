/**
 * A session whose numbers are moved forward, so that the server accepts a new
 * connection on a tuple that it still holds in TIME_WAIT.
 *
 * A server in TIME_WAIT takes a SYN only when time goes forward (RFC 6191): its
 * timestamp is later than the last one seen, or its sequence number is beyond the last
 * one used. Another client's clock and ISN know nothing of that. What is added to the
 * client's numbers on the way to the server is taken off again from what the server
 * says about them:
 *
 *     client ── SEQ, TSval ──▶  + shift  ──▶ server
 *     client ◀── ACK, SACK edges, TSecr ──  - shift  ◀── server
 */
import { viewOf } from '../../packet/index.ts';
import { replaced, type Edit } from './edit.ts';
import { findOptions, timestampOf } from './options.ts';
import { ACK, FIN, payloadBytes, TCP_AT, type Segment } from './segment.ts';
import type { Chance } from './world.ts';

/** What is added to the client's numbers; 0 leaves them. */
export interface Shift {
  readonly sequence: number;
  readonly time: number;
}

/** How far a client's numbers came, as the server saw them; undefined before its session closes. */
export interface Last {
  readonly sequence: number | undefined;
  readonly time: number | undefined;
}

/** What of a session the shift is about. */
interface Shifted {
  readonly shift: Shift;
  last: Last;
}

export const NO_SHIFT: Shift = { sequence: 0, time: 0 };
export const NOT_ENDED: Last = { sequence: undefined, time: undefined };

const SEQUENCE_AT = TCP_AT + 4;
const ACKNOWLEDGMENT_AT = TCP_AT + 8;
const NUMBER_BYTES = 4;

/** Moves the numbers of one packet of a shifted session. */
export function applyShift(
  segment: Segment,
  edit: Edit,
  { shift }: Shifted,
  side: 'front' | 'back',
): void {
  if (shift.sequence === 0 && shift.time === 0) return;
  const { timestampsAt, sackAt, sackEdges } = findOptions(segment);
  if (side === 'front') {
    if (shift.sequence) addAt(segment, edit, SEQUENCE_AT, shift.sequence);
    if (shift.time && timestampsAt) addAt(segment, edit, timestampsAt, shift.time);
    return;
  }
  // Without ACK neither ACK nor TSecr says anything (RFC 7323 section 3.2).
  if (!(segment.flags & ACK)) return;
  if (shift.time && timestampsAt) addAt(segment, edit, timestampsAt + NUMBER_BYTES, -shift.time);
  if (!shift.sequence) return;
  addAt(segment, edit, ACKNOWLEDGMENT_AT, -shift.sequence);
  for (let i = 0; i < sackEdges; i++)
    addAt(segment, edit, sackAt + i * NUMBER_BYTES, -shift.sequence);
}

/** What the server sees of the client's sequence number. */
export function shiftedSequence({ sequence }: Segment, { shift }: Pick<Shifted, 'shift'>): number {
  return (sequence + shift.sequence) >>> 0;
}

/** Notes how far the client of a closing session has come: the server keeps that for its TIME_WAIT. */
export function noteEnding(segment: Segment, session: Shifted): void {
  const { shift, last } = session;
  const fin = segment.flags & FIN ? 1 : 0;
  const end = (shiftedSequence(segment, session) + payloadBytes(segment) + fin) >>> 0;
  const time = timestampOf(segment);
  session.last = {
    sequence: later(last.sequence, end),
    time: time === undefined ? last.time : later(last.time, (time + shift.time) >>> 0),
  };
}

/** The shift that takes a SYN beyond the connection that ended; none when it is beyond already. */
export function shiftBeyond(segment: Segment, { sequence, time }: Last, chance: Chance): Shift {
  const own = timestampOf(segment);
  if (time !== undefined && own !== undefined)
    return isAfter(own, time) ? NO_SHIFT : { sequence: 0, time: (time + 1 - own) >>> 0 };
  if (sequence === undefined || isAfter(segment.sequence, sequence)) return NO_SHIFT;
  return { sequence: chance.leapOf((sequence + 1 - segment.sequence) >>> 0), time: 0 };
}

/** Adds to a number of the TCP header, wherever it lies. */
export function addAt({ frame }: Segment, edit: Edit, at: number, by: number): void {
  const view = viewOf(frame);
  const old = Array.from({ length: NUMBER_BYTES }, (_, i) => view.getUint8(at + i));
  view.setUint32(at, view.getUint32(at) + by);
  old.forEach((byte, i) => {
    const now = view.getUint8(at + i);
    // The high byte of its 16-bit word, or the low one.
    edit.plain += (at + i - TCP_AT) % 2 === 0 ? replaced(byte << 8, now << 8) : replaced(byte, now);
  });
}

function later(known: number | undefined, next: number): number {
  return known === undefined || isAfter(next, known) ? next : known;
}

/** True when `a` comes after `b`, modulo 2^32 (RFC 9293 section 3.4). */
function isAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
