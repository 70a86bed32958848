/** Packets towards the server: the client's address is put back. */
import type { Endpoint } from '../../../packet/index.ts';
import { newEdit, writeChecksum, writeFlow, type Edit } from '../edit.ts';
import { reversed } from '../flow.ts';
import { isOpeningSyn, RST, SYN, type Segment } from '../segment.ts';
import { isLive, isResting, NOBODY, type Session } from '../session.ts';
import { applyShift } from '../shift.ts';
import { isHandshake, notePacket, reopenIfResting } from '../states.ts';
import { takeToa } from '../toa.ts';
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
import { resolveCollision } from './collision.ts';
import { learnLink } from './link.ts';
import { canHaveOwn, newcomerOf, settle, takePlace } from './open.ts';

export function decideToServer(agent: Agent, segment: Segment): Verdict {
  const { sessions } = agent;
  const direction = sessions.find(segment.flow);
  if (direction?.side === 'back') return 'pass';
  if (direction && !isOpeningSyn(segment)) return decideData(agent, segment, direction);
  const server = findServer(agent, segment.flow);
  if (!server || (!direction && isLeftToSocketMode(agent, segment.flow.from.address)))
    return 'pass';
  if (isOpeningSyn(segment)) return decideSyn(agent, segment, direction, server);
  if (segment.flags & (SYN | RST)) return 'pass';
  // Anyone can send this: it makes no state before the server answers it.
  return sessions.has(reversed(segment.flow)) ? 'drop-stale' : 'pass';
}

/** A packet that opens nothing. */
function decideData(agent: Agent, segment: Segment, direction: AgentDirection): Verdict {
  const edit = newEdit();
  if (!direction.established || isHandshake(segment, direction)) stripToa(agent, segment, edit);
  return forward(agent, segment, direction, edit);
}

function decideSyn(
  agent: Agent,
  segment: Segment,
  direction: AgentDirection | undefined,
  server: Server,
): Verdict {
  const edit = newEdit();
  const client = stripToa(agent, segment, edit);
  const going = direction && continueSession(agent, segment, direction, client);
  if (going) return forward(agent, segment, going, edit);
  const verdict = openSession(agent, segment, server, client);
  if (verdict !== undefined) return verdict;
  const opened = agent.sessions.find(segment.flow);
  return opened ? forward(agent, segment, opened, edit) : 'drop-race';
}

/** Takes every TOA out, so that no server sees one; returns the first client that one named. */
function stripToa(agent: Agent, segment: Segment, edit: Edit): Endpoint | undefined {
  const { found, client } = takeToa(segment, edit);
  if (found > 0) {
    const trusted = isTrusted(agent, segment.flow.from.address);
    agent.journal.note(trusted ? 'toa-stripped' : 'toa-untrusted');
  }
  return client;
}

/**
 * A SYN whose tuple has a session. Returns the direction to use; undefined when the
 * session was another client's and the SYN has to open its own.
 */
function continueSession(
  agent: Agent,
  segment: Segment,
  direction: AgentDirection,
  client: Endpoint | undefined,
): AgentDirection | undefined {
  if (!isSameClient(direction.session, client)) {
    releaseFront(agent, direction.session);
    return undefined;
  }
  const before = reopenIfResting(segment, direction);
  if (before === 'resting') agent.journal.note('reopened');
  return before === 'dead' ? undefined : direction;
}

/** True when the SYN comes from the client that the session was opened for. */
function isSameClient(session: Session, client: Endpoint | undefined): boolean {
  switch (session.kind) {
    case 'direct':
      return true;
    case 'kept': // stays what it is until it rests
      return !isResting(session) || !client;
    case 'balanced':
    case 'restored':
      // Had no room for it: not a reason to give up a live session.
      if (!client) return isLive(session);
      return client.address === session.back.to.address && client.port === session.wantedPort;
  }
}

/**
 * The balancer gave its local port to another client: the old session keeps only its
 * tuple on the server, until that has rested.
 */
function releaseFront({ sessions }: Agent, session: Session): void {
  const back = sessions.find(session.back);
  if (back) back.released = true;
  sessions.forget(session.front);
  if (!isLive(session)) return;
  session.state = 'time-wait';
  session.closedBy = NOBODY;
  session.resetBy = NOBODY;
}

/** A SYN of a connection that is not in the table; undefined when it is now. */
function openSession(
  agent: Agent,
  segment: Segment,
  server: Server,
  client: Endpoint | undefined,
): Verdict | undefined {
  const slot = takePlace(agent, segment);
  if (slot === undefined) return 'drop-table-full';
  let newcomer = newcomerOf(agent, segment, server, slot, client);
  const free =
    newcomer.kind === 'kept' ? canHaveOwn(agent, newcomer) : !agent.sessions.has(newcomer.back);
  if (!free) {
    const resolved = resolveCollision(agent, newcomer);
    if ('refused' in resolved) {
      agent.sessions.returnSlot(slot);
      return resolved.refused;
    }
    newcomer = resolved.newcomer;
  }
  return settle(agent, newcomer) ? undefined : 'drop-race';
}

/** Sends the packet on to the server as the session says. */
function forward(agent: Agent, segment: Segment, direction: AgentDirection, edit: Edit): Verdict {
  const note = notePacket(segment, direction, agent.sessions);
  if (note) agent.journal.note(note);
  countTraffic(agent, segment, direction);
  if (direction.fromLocal) learnLink(agent, segment, direction);
  if (direction.identity) {
    writeChecksum(segment, edit);
    return 'kept';
  }
  applyShift(segment, edit, direction.session, direction.side);
  writeFlow(segment, direction.leaves, edit, 0);
  return 'to-backend';
}
