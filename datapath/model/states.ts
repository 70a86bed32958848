/**
 * How a packet moves a session from state to state.
 *
 *            SYN                client's ACK of SYN+ACK          FIN           both FINs
 *   (none) ──────▶ opening ───────────────────────▶ established ─────▶ closing ────────▶ time-wait
 *                     │ RST                             │ RST  ▲ later packet of       │ SYN
 *                     └──────────────▶ reset ◀──────────┘──────┘ the RST's sender      └─▶ opening
 *
 * A RST only shortens the time-out (RFC 7857 section 2.2): what its supposed sender
 * sends later undoes a forged one. A RST or FIN whose sequence number its sender cannot
 * have reached is left to the ends, and moves nothing. While a session is opening, only what
 * completes the handshake moves it: anyone can send the rest.
 */
import type { Side } from './data-path.ts';
import { ACK, FIN, isOpeningSyn, RST, SYN, type Segment } from './segment.ts';
import { isResting, NOBODY, type Direction, type Session } from './session.ts';
import { noteEnding, NOT_ENDED, shiftedSequence } from './shift.ts';
import { SECOND_TICKS } from './world.ts';

type Life = Pick<Session, 'state' | 'closedBy' | 'resetBy'>;

/** More than any initial window (RFC 6928). */
const HANDSHAKE_DATA_MAX_BYTES = 65_536;
const SEQUENCES = 2 ** 32;

/** True when the packet can only be established data: the session need not be looked at. */
export function isPlainData({ flags, now }: Segment, direction: Direction): boolean {
  return (
    direction.established &&
    !(flags & (SYN | FIN | RST)) &&
    ticksBetween(direction.seen, now) < SECOND_TICKS
  );
}

/**
 * True for the client's segments that a TOA reader looks at: every SYN, and what
 * acknowledges exactly the server's SYN. Nothing later is read by anyone.
 */
export function isHandshake({ flags, acknowledgment }: Segment, direction: Direction): boolean {
  if (flags & SYN) return true;
  return direction.handshakeAck !== 0 && acknowledgment === direction.handshakeAck;
}

/**
 * False for a sequence number that this side of the session cannot have reached: it has
 * sent no more than the bytes that were counted, headers included, from its initial one
 * on. What cannot be known is not held against a packet.
 */
export function canHaveSent(direction: Direction, sequence: number): boolean {
  const { session, side, receivedBytes } = direction;
  const isn = side === 'back' ? session.backIsn : session.frontIsn;
  if (isn === 0 || session.adopted || receivedBytes >= SEQUENCES) return true;
  return (sequence - isn) >>> 0 <= receivedBytes;
}

/** Counts the packet, and moves the session on when it is more than data; what is to be noted. */
export function notePacket(
  segment: Segment,
  direction: Direction,
): 'reset-not-believed' | 'fin-not-believed' | undefined {
  direction.receivedBytes += segment.ipBytes;
  if (isPlainData(segment, direction)) return undefined;
  const { session, side } = direction;
  const reached = side === 'back' ? segment.sequence : shiftedSequence(segment, session);
  const believed = canHaveSent(direction, reached);
  if (!believed && segment.flags & RST) return 'reset-not-believed';
  if (!believed && segment.flags & FIN) return 'fin-not-believed';
  const fromBack = side === 'back';
  // Without ACK: a simultaneous open (RFC 5382 REQ-2).
  if (fromBack && (segment.flags & (SYN | RST)) === SYN) session.backIsn = segment.sequence;
  // Later ones are of nobody knows whom.
  if (!fromBack && isOpeningSyn(segment) && session.state === 'opening')
    session.frontIsn = shiftedSequence(segment, session);
  const life = lifeAfter(session, segment, side);
  // A RST that changes nothing keeps nothing alive (RFC 7857 section 7).
  if (!(segment.flags & RST) || !isSameLife(life, session)) {
    session.seen = segment.now;
    direction.seen = segment.now;
  }
  const { state, closedBy, resetBy } = life;
  Object.assign(session, { state, closedBy, resetBy });
  // A forged number would be the last one for whoever has the tuple next.
  if (!fromBack && believed && closedBy.size > 0 && !(segment.flags & (SYN | RST)))
    noteEnding(segment, session);
  if (session.backIsn) direction.handshakeAck = (session.backIsn + 1) >>> 0;
  direction.established = session.state === 'established';
  return undefined;
}

function isSameLife(a: Life, b: Life): boolean {
  return (
    a.state === b.state && a.closedBy.size === b.closedBy.size && a.resetBy.size === b.resetBy.size
  );
}

/** The session's life after this packet. */
function lifeAfter(session: Session, segment: Segment, side: Side): Life {
  const { flags } = segment;
  const { state } = session;
  if (state === 'dead') return session;
  // Before the handshake is done anyone can send FIN and RST: it stays evictable.
  if (state === 'opening' && side === 'front' && !completesHandshake(segment, session))
    return session;
  if (flags & RST)
    return state === 'time-wait'
      ? session
      : { state: 'reset', closedBy: session.closedBy, resetBy: withSide(session.resetBy, side) };
  // Reopening is the caller's business; a SYN+ACK of the client's is half a simultaneous open.
  if (flags & SYN && (side === 'back' || !(flags & ACK) || state !== 'opening')) return session;
  // Was under way when the other side sent its RST.
  if (state === 'reset' && !session.resetBy.has(side)) return session;

  const resetBy = new Set([...session.resetBy].filter((sender) => sender !== side));
  const closedBy = flags & FIN ? withSide(session.closedBy, side) : session.closedBy;
  if (closedBy.size === 2) return { state: 'time-wait', closedBy, resetBy };
  if (closedBy.size === 1) return { state: 'closing', closedBy, resetBy };
  if (state === 'reset') return resetBy.size > 0 ? session : ESTABLISHED;
  if (state === 'opening' && isAccepted(segment, session, side)) return ESTABLISHED;
  return session;
}

const ESTABLISHED: Life = { state: 'established', closedBy: NOBODY, resetBy: NOBODY };

/** True when both ends have shown that they know of the connection. */
function isAccepted(segment: Segment, session: Session, side: Side): boolean {
  // On with what we found in mid-stream, or with what a forged RST and SYN reopened.
  if (side === 'back') return session.adopted || (session.reopened && session.backIsn === 0);
  return completesHandshake(segment, session);
}

/**
 * True when the client acknowledges the server's SYN, and not more than can have
 * been sent with it: data may come along (RFC 7413).
 */
function completesHandshake({ flags, acknowledgment }: Segment, { backIsn }: Session): boolean {
  const beyond = (acknowledgment - (backIsn + 1)) >>> 0;
  return (flags & ACK) !== 0 && backIsn !== 0 && beyond < HANDSHAKE_DATA_MAX_BYTES;
}

function withSide(sides: ReadonlySet<Side>, side: Side): ReadonlySet<Side> {
  return new Set([...sides, side]);
}

function ticksBetween(earlier: number, later: number): number {
  return (later - earlier) >>> 0;
}

/**
 * A SYN on a resting session takes it up again on the same tuple. Returns what the
 * session was: `dead` when it is being deleted at this moment and cannot carry the SYN.
 */
export function reopenIfResting(
  segment: Segment,
  direction: Direction,
): 'live' | 'resting' | 'dead' {
  const { session } = direction;
  if (session.state === 'dead') return 'dead';
  if (!isResting(session)) return 'live';
  session.state = 'opening';
  session.closedBy = NOBODY;
  session.resetBy = NOBODY;
  session.seen = segment.now;
  session.created = segment.now;
  session.frontIsn = shiftedSequence(segment, session);
  session.backIsn = 0;
  session.last = NOT_ENDED;
  session.reopened = true;
  direction.handshakeAck = 0;
  return 'resting';
}
