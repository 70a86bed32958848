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
 * completes the handshake moves it: anyone can send the rest. A SYN moves no live session;
 * that the server answers it does.
 */
import type { Side } from './data-path.ts';
import { ACK, FIN, isOpeningSyn, RST, SYN, type Segment } from './segment.ts';
import type { SessionTable } from './session-table.ts';
import { isResting, NOBODY, type Direction, type Session } from './session.ts';
import { noteEnding, NOT_ENDED, shiftedSequence } from './shift.ts';
import { SECOND_TICKS } from './world.ts';

type Life = Pick<Session, 'state' | 'closedBy' | 'resetBy'>;

/** More than any initial window (RFC 6928). */
const HANDSHAKE_DATA_MAX_BYTES = 65_536;
const SEQUENCES = 2 ** 32;
/** No more is ever on its way (RFC 7323 section 2.3). */
const WINDOW_MAX_BYTES = 2 ** 30;

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
 * False for a sequence number that this side of the session cannot have reached, or has
 * left behind: it has sent no more than the bytes that were counted, headers included,
 * from its initial one on, and a window of them at most is not acknowledged. What cannot
 * be known is not held against a packet.
 */
export function canHaveSent(direction: Direction, sequence: number): boolean {
  const { session, side, receivedBytes } = direction;
  const isn = side === 'back' ? session.backIsn : session.frontIsn;
  if (isn === 0 || session.adopted) return true;
  return aheadOf(sequence, isn, receivedBytes) <= Math.min(receivedBytes, WINDOW_MAX_BYTES);
}

/** How far the bytes counted from the initial number on are beyond this one. */
function aheadOf(sequence: number, isn: number, countedBytes: number): number {
  return (isn + (countedBytes % SEQUENCES) - sequence) >>> 0;
}

/**
 * Every header, and all that is sent again, takes the count further beyond the numbers. So
 * after a gigabyte it is the data that says, once a second, where a side has come.
 */
function followed(direction: Direction, isn: number, sequence: number): number {
  const ahead = aheadOf(sequence, isn, direction.receivedBytes);
  const isFar =
    ahead > WINDOW_MAX_BYTES / 2 && (ahead + WINDOW_MAX_BYTES) >>> 0 <= 2 * WINDOW_MAX_BYTES;
  if (isn === 0 || direction.receivedBytes < WINDOW_MAX_BYTES || !isFar) return isn;
  return (isn - (ahead - WINDOW_MAX_BYTES / 4)) >>> 0;
}

/** Counts the packet, and moves the session on when it is more than data; what is to be noted. */
export function notePacket(
  segment: Segment,
  direction: Direction,
  sessions: Pick<SessionTable<Direction>, 'find'>,
): 'reset-not-believed' | 'fin-not-believed' | 'begun-anew' | undefined {
  direction.receivedBytes += segment.ipBytes;
  if (isPlainData(segment, direction)) return undefined;
  const { session, side } = direction;
  const reached = side === 'back' ? segment.sequence : shiftedSequence(segment, session);
  const believed = canHaveSent(direction, reached);
  if (!believed && segment.flags & RST) return 'reset-not-believed';
  if (!believed && segment.flags & FIN) return 'fin-not-believed';
  const fromBack = side === 'back';
  // Without ACK: a simultaneous open (RFC 5382 REQ-2).
  if (fromBack && (segment.flags & (SYN | RST)) === SYN && session.backIsn !== segment.sequence) {
    session.backIsn = segment.sequence;
    direction.receivedBytes = segment.ipBytes;
  }
  // Later ones are of nobody knows whom.
  if (!fromBack && isOpeningSyn(segment) && session.state === 'opening')
    session.frontIsn = shiftedSequence(segment, session);
  const wasOpening = session.state === 'opening';
  const anew = beginsAnew(session, segment, side);
  const life = lifeAfter(session, segment, side);
  // A RST that changes nothing keeps nothing alive (RFC 7857 section 7).
  if (!(segment.flags & RST) || !isSameLife(life, session)) {
    session.seen = segment.now;
    direction.seen = segment.now;
  }
  const { state, closedBy, resetBy } = life;
  Object.assign(session, { state, closedBy, resetBy });
  if (anew) beginAnew(session, segment, sessions.find(session.front));
  // A forged number would be the last one for whoever has the tuple next.
  if (!fromBack && believed && closedBy.size > 0 && !(segment.flags & (SYN | RST)))
    noteEnding(segment, session);
  if (!(segment.flags & (SYN | FIN | RST))) {
    if (fromBack) session.backIsn = followed(direction, session.backIsn, reached);
    else session.frontIsn = followed(direction, session.frontIsn, reached);
  }
  if (session.backIsn && (direction.handshakeAck === 0 || wasOpening))
    direction.handshakeAck = (session.backIsn + 1) >>> 0;
  direction.established = session.state === 'established';
  return anew && !wasOpening ? 'begun-anew' : undefined;
}

/**
 * True when the server has accepted another SYN than the last one that was believed: the
 * client uses its port again, and the server had forgotten what is live here.
 */
function beginsAnew({ frontIsn, state }: Session, segment: Segment, side: Side): boolean {
  const { flags, acknowledgment } = segment;
  const isAnswer = side === 'back' && (flags & (SYN | ACK | RST)) === (SYN | ACK);
  return state !== 'dead' && isAnswer && (acknowledgment - 1) >>> 0 !== frontIsn;
}

/** The session is another connection's now. */
function beginAnew(
  session: Session,
  { acknowledgment }: Segment,
  front: Direction | undefined,
): void {
  session.frontIsn = (acknowledgment - 1) >>> 0;
  session.last = NOT_ENDED;
  session.before = NOT_ENDED;
  if (front?.session !== session) return;
  front.established = false;
  front.receivedBytes = Math.min(front.receivedBytes, HANDSHAKE_DATA_MAX_BYTES); // its SYN is among them
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
  if (beginsAnew(session, segment, side)) return OPENING;
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

const OPENING: Life = { state: 'opening', closedBy: NOBODY, resetBy: NOBODY };
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
  session.before = session.last;
  session.last = NOT_ENDED;
  session.reopened = true;
  direction.handshakeAck = 0;
  direction.receivedBytes = 0;
  return 'resting';
}
