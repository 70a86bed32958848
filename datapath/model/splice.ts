/**
 * A session that a SYN cookie opened: the client began with numbers of ours, and goes on
 * with a backend that has its own.
 *
 *     client ── ACK, SACK edges, TSecr ──▶  - splice  ──▶ server
 *     client ◀── SEQ, TSval ──  + splice  ◀── server
 *
 * Windows change as well: either end scales them by what it was told, and was told it by us.
 */
import { viewOf } from '../../packet/index.ts';
import { replaced, type Edit } from './edit.ts';
import { findOptions } from './options.ts';
import { ACK, SYN, TCP_AT, type Segment } from './segment.ts';
import { addAt } from './shift.ts';

/** `cookie`: the backend has not answered yet; what the client was told, and said then. */
export type Splice =
  | {
      readonly kind: 'cookie';
      readonly cookie: number;
      readonly time: number;
      readonly clientTime: number;
      readonly window: number;
    }
  | {
      readonly kind: 'spliced';
      readonly sequence: number;
      readonly time: number;
      readonly clientTime: number;
      readonly window: number;
      /** Bits that windows move left, or right below 0. */
      readonly backScale: number;
      readonly frontScale: number;
    };

const SEQUENCE_AT = TCP_AT + 4;
const ACKNOWLEDGMENT_AT = TCP_AT + 8;
const WINDOW_AT = TCP_AT + 14;
const WINDOW_MAX = 0xffff;
const NUMBER_BYTES = 4;

/** Moves the numbers of one packet. */
export function applySplice(
  segment: Segment,
  edit: Edit,
  splice: Splice | undefined,
  side: 'front' | 'back',
): void {
  if (splice?.kind !== 'spliced') return;
  // Without ACK neither ACK nor TSecr says anything, nor does the window of a SYN or RST.
  if (side === 'front' && (segment.flags & (SYN | ACK)) !== ACK) return;
  const { timestampsAt, sackAt, sackEdges } = findOptions(segment);
  scaleWindow(segment, edit, side === 'back' ? splice.backScale : splice.frontScale);
  if (side === 'back') {
    if (splice.time && timestampsAt) addAt(segment, edit, timestampsAt, splice.time);
    addAt(segment, edit, SEQUENCE_AT, splice.sequence);
    return;
  }
  if (splice.time && timestampsAt) addAt(segment, edit, timestampsAt + NUMBER_BYTES, -splice.time);
  addAt(segment, edit, ACKNOWLEDGMENT_AT, -splice.sequence);
  for (let i = 0; i < sackEdges; i++)
    addAt(segment, edit, sackAt + i * NUMBER_BYTES, -splice.sequence);
}

/** What the client knows of a sequence number of the server's, and the server of that. */
export function spliced(sequence: number, splice: Splice | undefined): number {
  return splice?.kind === 'spliced' ? (sequence + splice.sequence) >>> 0 : sequence;
}

export function unspliced(sequence: number, splice: Splice | undefined): number {
  return splice?.kind === 'spliced' ? (sequence - splice.sequence) >>> 0 : sequence;
}

function scaleWindow({ frame }: Segment, edit: Edit, bits: number): void {
  if (bits === 0) return;
  const view = viewOf(frame);
  const old = view.getUint16(WINDOW_AT);
  const now = Math.min(bits < 0 ? old >>> -bits : old * 2 ** bits, WINDOW_MAX);
  edit.plain += replaced(old, now);
  view.setUint16(WINDOW_AT, now);
}
