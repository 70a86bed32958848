/** The balancer: full NAT between clients and backends, one packet after the other. */
import { macAddressFromBytes } from '../../../packet/index.ts';
import type { Action, Outcome, Side } from '../data-path.ts';
import { endpointKey, type Flow } from '../flow.ts';
import { dropInstead, errorFor, isAnswered, isOneHost } from '../icmp-answer.ts';
import { readError } from '../icmp.ts';
import { resetFor } from '../reset.ts';
import { ACK, isOpeningSyn, receive, RST, SYN, type Received, type Segment } from '../segment.ts';
import { isLive, isResting, type Session } from '../session.ts';
import { notePacket, reopenIfResting } from '../states.ts';
import type { Refusal, Refused, Verdict } from '../words.ts';
import { spliced } from '../splice.ts';
import { admit, countedClient, isDenied } from './admission.ts';
import {
  cookieOf,
  decideSplice,
  isForSplice,
  isnOfCookie,
  sendCookie,
  synAgain,
  type Again,
} from './cookies.ts';
import { awaitsCookies, countSent, protectionOf, wantsCookie } from './protection.ts';
import { decideError } from './errors.ts';
import { openSession } from './open.ts';
import type { Balancer, BalancerDirection, Listener } from './parts.ts';
import { isOut, takesNew } from './schedule.ts';
import { endSession, isOver } from './end.ts';
import { translate } from './translate.ts';
import { noteTrouble } from './trouble.ts';

type Rest = Exclude<Received, { kind: 'tcp' }>;
/** A packet when all is decided. */
type Left = Pick<Outcome, 'verdict' | 'frame'>;

const RESET_VERDICT = /^reset-/;
const SENT_VERDICT = /^(?:error-)?to-/;

/** One packet: what it is, what is decided, and how it leaves. */
export function balance(balancer: Balancer, frame: Uint8Array, from: Side): Outcome {
  const received = isForUs(balancer, frame, from)
    ? receive(frame, balancer.world.clock.now())
    : ({ kind: 'not-ipv4' } as const);
  const left =
    received.kind === 'tcp'
      ? decideSegment(balancer, received.segment, from)
      : decideRest(balancer, received, frame, from);
  return { ...left, action: actionOf(left.verdict), notes: balancer.journal.takeNotes() };
}

/** On a port of a bridge or in promiscuous mode others' frames come by. */
function isForUs({ world }: Balancer, frame: Uint8Array, from: Side): boolean {
  return macAddressFromBytes(frame.subarray(0, 6)) === world.network.ownAddress(from);
}

function decideSegment(balancer: Balancer, segment: Segment, from: Side): Left {
  const decided = decideTcp(balancer, segment, from);
  if (typeof decided === 'object') return decideSegment(balancer, decided.again, from);
  const verdict =
    isAnswered(decided) && !isOneHost(segment.flow.from.address) ? dropInstead(decided) : decided;
  if (isAnswered(verdict)) return { verdict, frame: errorFor(segment, verdict) };
  return { verdict, frame: RESET_VERDICT.test(verdict) ? resetFor(segment) : segment.frame };
}

/** What is no TCP segment, or none that can be translated. */
function decideRest(balancer: Balancer, received: Rest, frame: Uint8Array, from: Side): Left {
  const error = received.kind === 'not-tcp' ? readError(frame) : undefined;
  return error
    ? { verdict: decideError(balancer, error, from), frame: error.frame }
    : { verdict: decideOdd(balancer, received), frame };
}

function decideTcp(balancer: Balancer, segment: Segment, from: Side): Verdict | Again {
  let direction = balancer.sessions.find(segment.flow);
  if (direction && isForSplice(segment, direction))
    return decideSplice(balancer, segment, direction);
  if (!direction || isNewSyn(balancer, segment, direction)) {
    const listener = balancer.listeners.get(endpointKey(segment.flow.to));
    if (!listener) return isForLocal(balancer, segment.flow) ? 'drop-no-session' : 'pass';
    const verdict = unknown(balancer, segment, listener, direction);
    if (verdict !== undefined) return verdict;
    direction = balancer.sessions.find(segment.flow);
    if (!direction) return 'drop-race';
  }
  return known(balancer, segment, direction, from);
}

/**
 * A SYN on a resting session is a new connection, and admitted like one; so is one whose
 * backend has gone out of use before the handshake is done.
 */
function isNewSyn(
  balancer: Balancer,
  segment: Segment,
  { side, session }: BalancerDirection,
): boolean {
  if (side === 'back' || !isOpeningSyn(segment) || segment.ttl <= 1) return false;
  if (isResting(session)) return true;
  // Of one that a cookie opened the client has an answer already: the SYN is ours.
  const isAnswered = session.splice !== undefined;
  return session.state === 'opening' && !isAnswered && isOut(balancer, session.backend);
}

/** A packet to a listener that no live session has; undefined when it has one now. */
function unknown(
  balancer: Balancer,
  segment: Segment,
  listener: Listener,
  resting: BalancerDirection | undefined,
): Verdict | Again | undefined {
  if (mayBringCookie(balancer, segment, listener, resting))
    return acceptCookie(balancer, segment, listener);
  if (!isOpeningSyn(segment)) return refusal(segment, 'unknown', listener.onUnknown);
  if (segment.ttl <= 1) return 'answer-ttl';
  // What rests takes no more memory.
  if (!resting && wantsCookie(balancer, segment, listener)) {
    if (isDenied(listener, segment)) return refuseNew(balancer, segment, listener, 'denied');
    countSent(balancer, segment, listener);
    sendCookie(balancer, segment);
    return 'cookie';
  }
  const failure = admit(balancer, segment, listener) ?? begin(balancer, segment, listener, resting);
  return failure === undefined ? undefined : refuseNew(balancer, segment, listener, failure);
}

function mayBringCookie(
  balancer: Balancer,
  segment: Segment,
  listener: Listener,
  resting: BalancerDirection | undefined,
): boolean {
  if (resting || segment.ttl <= 1 || (segment.flags & (SYN | ACK | RST)) !== ACK) return false;
  return awaitsCookies(balancer, segment, listener);
}

/** An ACK that no session has: it opens one, and becomes a SYN, when it brings a cookie back. */
function acceptCookie(balancer: Balancer, segment: Segment, listener: Listener): Verdict | Again {
  const isn = isnOfCookie(balancer, segment);
  if (isn === undefined) {
    balancer.journal.note('cookie-wrong');
    return refusal(segment, 'unknown', listener.onUnknown);
  }
  const failure =
    admit(balancer, segment, listener) ??
    openSession(balancer, { ...segment, sequence: isn }, listener, cookieOf(segment));
  if (failure !== undefined) return refuseNew(balancer, segment, listener, failure);
  balancer.journal.note('cookie-accepted');
  protectionOf(balancer, listener).accepted += 1;
  return synAgain(balancer, segment, isn);
}

/** Refuses what would have opened a session. */
function refuseNew(
  balancer: Balancer,
  segment: Segment,
  listener: Listener,
  failure: Refused | 'drop-race' | 'drop-internal',
): Verdict {
  const traffic = balancer.journal.listeners[listener.index];
  if (traffic) traffic.refused += 1;
  if (failure === 'drop-race' || failure === 'drop-internal') return failure;
  return refusal(segment, failure, listener.onRefused);
}

/** An admitted SYN gets a session that can carry it: the one that rests, if its backend takes new ones. */
function begin(
  balancer: Balancer,
  segment: Segment,
  listener: Listener,
  resting: BalancerDirection | undefined,
): ReturnType<typeof openSession> {
  // One that a cookie opened has numbers that the next connection would not have.
  const isPlain = resting && resting.session.splice === undefined;
  if (isPlain && takesNew(balancer, resting.session.backend)) return undefined;
  if (resting) balancer.sessions.bury(resting.session);
  return openSession(balancer, segment, listener);
}

function refusal({ flags, flow }: Segment, why: Refused, tone: Refusal): Verdict {
  if (tone === 'icmp' && why !== 'unknown')
    return isOneHost(flow.from.address) ? 'prohibited' : `drop-${why}`;
  // A RST is never answered with a RST (RFC 9293 section 3.10.7.1).
  return flags & RST || tone === 'drop' ? `drop-${why}` : `reset-${why}`;
}

/** A packet whose tuple has a session. */
function known(
  balancer: Balancer,
  segment: Segment,
  direction: BalancerDirection,
  from: Side,
): Verdict {
  if (segment.ttl <= 1) return 'answer-ttl'; // what ends here changes nothing
  const { session } = direction;
  const rested = isResting(session);
  if (direction.side === 'front' && isOpeningSyn(segment)) {
    const before = reopenIfResting(segment, direction);
    if (before === 'dead') return 'drop-race';
    if (before === 'resting') {
      direction.toaDue = false;
      direction.toaSent = false;
      balancer.journal.note('reopened');
    }
  }
  if (isOver(balancer, segment, direction)) return endSession(segment, direction);
  noteTrouble(balancer, segment, direction);
  if (direction.side === 'back') segment.sequence = spliced(segment.sequence, session.splice);
  const wasLive = isLive(session);
  const note = notePacket(segment, direction, balancer.sessions);
  countOutcome(balancer, segment, direction, wasLive);
  if (note) balancer.journal.note(note);
  if (rested && isLive(session)) countAgain(balancer, session);
  return translate(balancer, segment, direction, from);
}

/** What this packet makes of the connection: answered, or reset. */
function countOutcome(
  { journal }: Balancer,
  { flags }: Segment,
  { side, session }: BalancerDirection,
  wasLive: boolean,
): void {
  const outcomes = journal.outcomes[session.listener];
  const isAnswer = side === 'back' && session.awaited && (flags & (SYN | ACK)) === (SYN | ACK);
  if (side === 'back') session.awaited = false;
  if (outcomes === undefined) return;
  if (isAnswer) outcomes.answered += 1;
  if (!wasLive || session.state !== 'reset') return;
  if (side === 'back') outcomes.resetsServer += 1;
  else outcomes.resetsClient += 1;
}

/** A session that rested and goes on is its client's again. */
function countAgain({ tables }: Balancer, session: Session): void {
  const index = session.listener;
  const listener = tables.listeners[index];
  session.client = listener && countedClient({ ...listener, index }, session.front.from.address);
}

/** Packets that cannot be translated: ours are dropped by name, others pass. */
function decideOdd(balancer: Balancer, odd: Rest): Verdict {
  if (odd.kind === 'not-ipv4') return 'pass';
  const isLocal = isForLocal(balancer, odd.flow);
  const isOurs = isLocal || balancer.listeners.has(endpointKey(odd.flow.to));
  switch (odd.kind) {
    case 'not-tcp':
      return isLocal ? 'drop-local-not-tcp' : 'pass';
    case 'later-fragment':
      return isLocal ? 'drop-later-fragment' : 'pass';
    case 'bad-checksum':
      return isOurs ? 'drop-bad-checksum' : 'pass';
    case 'ip-options':
      return isOurs ? 'drop-ip-options' : 'pass';
    case 'first-fragment':
      return isOurs ? 'drop-fragment' : 'pass';
    case 'malformed':
      return isOurs ? 'drop-malformed' : 'pass';
  }
}

function isForLocal({ localAddresses }: Balancer, { to }: Flow): boolean {
  return localAddresses.has(to.address);
}

function actionOf(verdict: Verdict): Action {
  if (verdict === 'pass') return 'pass';
  return SENT_VERDICT.test(verdict) ||
    RESET_VERDICT.test(verdict) ||
    isAnswered(verdict) ||
    verdict === 'cookie'
    ? 'redirect'
    : 'drop';
}
