/** The server's packets: back to the balancer, or on to the client. */
import { newEdit, writeFlow } from '../edit.ts';
import { reversed, type Flow } from '../flow.ts';
import { ACK, RST, SYN, type Segment } from '../segment.ts';
import type { Session } from '../session.ts';
import { applyShift } from '../shift.ts';
import { notePacket } from '../states.ts';
import type { Verdict } from '../words.ts';
import {
  countTraffic,
  findServer,
  isLeftToSocketMode,
  isTrusted,
  type Agent,
  type AgentDirection,
  type Server,
} from './parts.ts';
import { followLink } from './link.ts';
import { settle, takePlace } from './open.ts';

export function decideFromServer(agent: Agent, segment: Segment): Verdict {
  const { sessions } = agent;
  const { flow, flags } = segment;
  const direction = sessions.find(flow);
  if (direction?.side === 'back') return decideAnswer(agent, segment, direction);
  const server = findServer(agent, { to: flow.from });
  const opensNothing = (flags & RST) !== 0 || (flags & (SYN | ACK)) === SYN;
  if (!server || direction || opensNothing || isLeftToSocketMode(agent, flow.to.address))
    return 'pass';
  if (!adopt(agent, segment, server)) return 'pass';
  const adopted = sessions.find(flow);
  return adopted ? decideAnswer(agent, segment, adopted) : 'pass';
}

function decideAnswer(agent: Agent, segment: Segment, direction: AgentDirection): Verdict {
  const { session } = direction;
  if (direction.released) return 'drop-stale';
  if (!direction.established && session.kind === 'restored' && isTupleOwned(segment, session))
    return yieldTuple(agent, segment, session);
  const note = notePacket(segment, direction, agent.sessions);
  if (note) agent.journal.note(note);
  countTraffic(agent, segment, direction);
  followLink(segment, direction);
  if (direction.identity) return 'kept';
  const edit = newEdit();
  applyShift(segment, edit, session, 'back');
  writeFlow(segment, direction.leaves, edit, 0);
  return 'to-client';
}

/**
 * The server speaks on a connection that we do not know: it began before the agent,
 * and keeps its tuple. Only the server is believed: anyone can send an ACK towards it.
 * False when there is no session.
 */
function adopt(agent: Agent, segment: Segment, server: Server): boolean {
  const slot = takePlace(agent, segment);
  if (slot === undefined) return false;
  const front: Flow = reversed(segment.flow);
  if (agent.sessions.has(segment.flow)) {
    agent.sessions.returnSlot(slot);
    return false; // the tuple belongs to a newer connection
  }
  const kind = isTrusted(agent, front.from.address) ? 'kept' : 'direct';
  const newcomer = { segment, server, slot, kind, front, back: segment.flow } as const;
  const wantedPort = front.from.port;
  const session = settle(agent, { ...newcomer, wantedPort, remapped: false }, true);
  if (!session) return false;
  if (!(segment.flags & SYN)) session.state = 'established';
  agent.journal.note('adopted');
  return true;
}

/**
 * True when the server answers our SYN with the acknowledgement of another connection
 * (RFC 5961 section 4): it already has this tuple, from a time before the agent. Only
 * fresh sessions: on a reopened one the ends sort it out.
 */
function isTupleOwned({ flags, acknowledgment }: Segment, session: Session): boolean {
  return (
    session.state === 'opening' &&
    !session.reopened &&
    (flags & (SYN | ACK | RST)) === ACK &&
    session.backIsn === 0 &&
    acknowledgment !== (session.frontIsn + 1) >>> 0
  );
}

/**
 * Gives the tuple to the connection that had it all along, as a direct one. The
 * newcomer's SYN comes again and then finds a collision like any other.
 */
function yieldTuple(agent: Agent, segment: Segment, session: Session): Verdict {
  const server = findServer(agent, { to: segment.flow.from });
  agent.sessions.bury(session);
  if (server) adopt(agent, segment, server);
  return 'drop-tuple-owned';
}
