/**
 * How a packet moves a session from state to state.
 *
 *            SYN                client's ACK of SYN+ACK          FIN           both FINs
 *   (none) ──────▶ opening ───────────────────────▶ established ─────▶ closing ────────▶ time-wait
 *                     │ RST                             │ RST  ▲ later packet of       │ SYN
 *                     └──────────────▶ reset ◀──────────┘──────┘ the RST's sender      └─▶ opening
 *
 * A RST only shortens the time-out (RFC 7857 section 2.2): what its supposed sender
 * sends later undoes a forged one. A session that is idle then does end with it.
 * While a session is opening, only what completes the handshake moves it: anyone can
 * send the rest.
 */
import type { Side } from './data-path.ts';
import { ACK, FIN, isOpeningSyn, RST, SYN, type Segment } from './segment.ts';
import { isResting, NOBODY, type Direction, type Session } from './session.ts';
import { noteEnding, NOT_ENDED, shiftedSequence } from './shift.ts';
import { SECOND_TICKS } from './world.ts';

type Life = Pick<Session, 'state' | 'closedBy' | 'resetBy'>;

/** More than any initial window (RFC 6928). */
const HANDSHAKE_DATA_MAX_BYTES = 65_536;

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

/** Moves the session on when the packet is more than data. */
export function notePacket(segment: Segment, direction: Direction): void {
  if (isPlainData(segment, direction)) return;
  const { session, side } = direction;
  const fromBack = side === 'back';
  if (fromBack && (segment.flags & (SYN | ACK | RST)) === (SYN | ACK))
    session.backIsn = segment.sequence;
  if (!fromBack && isOpeningSyn(segment)) session.frontIsn = shiftedSequence(segment, session);
  const { state, closedBy, resetBy } = lifeAfter(session, segment, side);
  Object.assign(session, { state, closedBy, resetBy });
  session.seen = segment.now;
  direction.seen = segment.now;
  if (!fromBack && closedBy.size > 0 && !(segment.flags & (SYN | RST)))
    noteEnding(segment, session);
  if (session.backIsn) direction.handshakeAck = (session.backIsn + 1) >>> 0;
  direction.established = session.state === 'established';
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
  if (flags & SYN) return session; // reopening is the caller's business
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
