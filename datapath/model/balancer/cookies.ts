/**
 * A SYN answered without remembering it, the ACK that shows it was real, and the handshake
 * with the backend that follows.
 *
 *   client ── SYN ──▶ balancer                          nothing is kept
 *   client ◀── SYN+ACK, cookie, window 0 ── balancer
 *   client ── ACK, cookie + 1 ──▶ balancer ── SYN ──▶ backend
 *                                 balancer ◀── SYN+ACK ── backend
 *   client ◀── ACK, window ──     balancer ── ACK ──▶ backend
 */
import { viewOf } from '../../../packet/index.ts';
import { reversed } from '../flow.ts';
import { handshakeFrame, readHandshake, type HandshakeOptions } from '../handshake.ts';
import { ACK, RST, SYN, TCP_AT, receive, type Segment } from '../segment.ts';
import { isLive, type Session } from '../session.ts';
import type { Splice } from '../splice.ts';
import type { Verdict } from '../words.ts';
import type { Balancer, BalancerDirection } from './parts.ts';

/** A segment that came, turned into another one that comes by again. */
export interface Again {
  readonly again: Segment;
}
type Cookie = Extract<Splice, { kind: 'cookie' }>;

/** The low bits of our TSval: the client's window scale, SACK, and one that is always there. */
const TIME_SCALE = 0x0f;
const TIME_SACK = 0x10;
const TIME_MARK = 0x20;
const TIME_BITS = 0x3f;
const NO_SCALE = 15;
/** What we tell a client: windows up to 8 MB, in steps of 128 bytes. */
const OWN_SCALE = 7;
const OWN_MSS_BYTES = 1_460;
const OWN_TTL = 64;
const WINDOW_MAX = 0xffff;
/** Of SYNs that say none (RFC 9293 section 3.7.1). */
const MSS_DEFAULT_BYTES = 536;

/** Answers a SYN; nothing is kept of it. */
export function sendCookie({ world }: Balancer, segment: Segment): void {
  const { mssBytes, sack, times, scale } = readHandshake(segment);
  const { flow, sequence, now } = segment;
  const own = ((now & ~TIME_BITS) | TIME_MARK | (sack ? TIME_SACK : 0) | (scale ?? NO_SCALE)) >>> 0;
  segment.frame = handshakeFrame(segment, {
    ...{ flow: reversed(flow), flags: 'SA', goesBack: true, window: 0, ttl: OWN_TTL },
    sequence: world.cookies.make(flow, sequence, mssBytes || MSS_DEFAULT_BYTES),
    acknowledgment: (sequence + 1) >>> 0,
    options: {
      mssBytes: OWN_MSS_BYTES,
      sack: sack && times !== undefined,
      scale: times !== undefined && scale !== undefined ? OWN_SCALE : undefined,
      times: times && { value: own, echo: times.value },
    },
  });
}

/** The client's ISN, from a segment that brings a cookie back. */
export function isnOfCookie({ world }: Balancer, segment: Segment): number | undefined {
  const { flow, sequence, acknowledgment } = segment;
  const cookie = (acknowledgment - 1) >>> 0;
  // Who asks whether the window is still shut may do so one number back.
  return [(sequence - 1) >>> 0, sequence].find(
    (isn) => world.cookies.mssOf(flow, isn, cookie) !== undefined,
  );
}

/** What a session keeps of the segment that brought its cookie back. */
export function cookieOf(segment: Segment): Cookie {
  const { times } = readHandshake(segment);
  return {
    kind: 'cookie',
    cookie: (segment.acknowledgment - 1) >>> 0,
    time: times?.echo ?? 0,
    clientTime: times?.value ?? 0,
    window: windowOf(segment),
  };
}

/** The SYN that the client had sent. */
export function synAgain({ world }: Balancer, segment: Segment, isn: number): Again {
  const { flow, acknowledgment, ttl } = segment;
  const { times } = readHandshake(segment);
  const told = times?.echo ?? 0;
  const scale = times && (told & TIME_SCALE) !== NO_SCALE ? told & TIME_SCALE : undefined;
  return become(segment, {
    ...{ flow, flags: 'S', goesBack: false, ttl, sequence: isn, acknowledgment: 0 },
    window: Math.min(windowOf(segment) * 2 ** (scale ?? 0), WINDOW_MAX),
    options: {
      mssBytes: world.cookies.mssOf(flow, isn, (acknowledgment - 1) >>> 0) ?? MSS_DEFAULT_BYTES,
      ...{ scale, sack: times !== undefined && (told & TIME_SACK) !== 0 },
      times: times && { value: times.value, echo: 0 },
    },
  });
}

/** True for packets that are not simply translated. */
export function isForSplice(
  { flags, ttl }: Segment,
  { side, session }: BalancerDirection,
): boolean {
  if (session.splice === undefined || ttl <= 1) return false;
  if (session.splice.kind === 'spliced') return side === 'back' && (flags & (SYN | RST)) === SYN;
  return side === 'back' || (flags & (SYN | RST)) === 0;
}

export function decideSplice(
  balancer: Balancer,
  segment: Segment,
  { side, session }: BalancerDirection,
): Verdict | Again {
  if (session.state === 'dead') return 'drop-race';
  return side === 'back' ? hearBackend(segment, session) : askAgain(balancer, segment, session);
}

/** The client asks for its window, or sends in spite of it: perhaps the SYN was lost. */
function askAgain(balancer: Balancer, segment: Segment, session: Session): Verdict | Again {
  const cookie = cookieOf(segment);
  if (session.splice?.kind !== 'cookie') return 'drop-race';
  if (!isLive(session) || cookie.cookie !== session.splice.cookie) return 'reset-unknown';
  session.splice = cookie;
  balancer.journal.note('cookie-again');
  return synAgain(balancer, segment, clientIsn(session));
}

/** What a backend sends before the session is spliced, and every SYN of its. */
function hearBackend(segment: Segment, session: Session): Verdict | Again {
  const { flags, acknowledgment, sequence } = segment;
  const { splice } = session;
  if (!splice) return 'drop-race';
  const isAnswer = (flags & ACK) !== 0 && acknowledgment === (session.frontIsn + 1) >>> 0;
  if ((flags & (SYN | ACK | RST)) === (SYN | ACK)) {
    if (isAnswer && isLive(session)) return spliceAnswer(segment, session, splice);
    if (splice.kind === 'spliced') {
      session.splice = undefined; // to another SYN, which was the client's own
      return { again: segment };
    }
  }
  if (!(flags & RST)) return 'reset-stale';
  if (!isAnswer || splice.kind !== 'cookie') return 'drop-no-session'; // RFC 9293 section 3.10.7.3
  // Refused: the client has to hear it as from who answered it.
  session.splice = {
    ...{ kind: 'spliced', time: 0, clientTime: splice.clientTime, window: splice.window },
    ...{ backScale: 0, frontScale: 0, sequence: (splice.cookie + 1 - sequence) >>> 0 },
  };
  return { again: segment };
}

/** The backend's SYN+ACK becomes what opens the client's window; its ACK comes by itself. */
function spliceAnswer(segment: Segment, session: Session, splice: Splice): Verdict | Again {
  const answer = readHandshake(segment);
  if (splice.kind === 'cookie') {
    session.backIsn = splice.cookie;
    session.splice = joined(splice, segment.sequence, answer);
  } else if ((segment.sequence + splice.sequence) >>> 0 !== session.backIsn) return 'reset-stale';
  const { flow, sequence, acknowledgment, ttl } = segment;
  return become(segment, {
    ...{ flow, flags: 'A', goesBack: false, ttl, acknowledgment },
    sequence: (sequence + 1) >>> 0,
    window: windowOf(segment) >>> (answer.scale ?? 0), // a SYN's own is not scaled
    options: { mssBytes: undefined, scale: undefined, sack: false, times: answer.times },
  });
}

/** How the numbers of both ends become each other's. */
function joined(cookie: Cookie, sequence: number, answer: HandshakeOptions): Splice {
  const { time, clientTime, window } = cookie;
  const clientScale = time & TIME_SCALE;
  const scales =
    time === 0 || clientScale === NO_SCALE
      ? { backScale: 0, frontScale: 0 }
      : answer.scale === undefined
        ? { backScale: -OWN_SCALE, frontScale: clientScale } // then nobody scales, it thinks
        : { backScale: answer.scale - OWN_SCALE, frontScale: 0 };
  return {
    ...{ kind: 'spliced', clientTime, window, ...scales },
    sequence: (cookie.cookie - sequence) >>> 0,
    time: time && answer.times ? (time - answer.times.value) >>> 0 : 0,
  };
}

/** The client's ISN as it knows it. */
function clientIsn({ frontIsn, shift }: Session): number {
  return (frontIsn - shift.sequence) >>> 0;
}

function windowOf({ frame }: Segment): number {
  return viewOf(frame).getUint16(TCP_AT + 14);
}

function become(segment: Segment, handshake: Parameters<typeof handshakeFrame>[1]): Again {
  const received = receive(handshakeFrame(segment, handshake), segment.now);
  if (received.kind !== 'tcp') throw new TypeError('a handshake of our own is a TCP segment');
  return { again: received.segment };
}
