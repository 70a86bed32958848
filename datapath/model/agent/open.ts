/**
 * Who owns which tuple on the server: a new connection takes one.
 *
 * Restored and direct connections live in one table, so a tuple has one owner by
 * construction. Who comes second gets another port of the same client address;
 * neither side ever loses.
 */
import type { Endpoint, Port } from '../../../packet/index.ts';
import { reversed, sameEndpoint, type Flow } from '../flow.ts';
import { newSearch } from '../reserve.ts';
import type { Segment } from '../segment.ts';
import { isResting, newSession, type Session } from '../session.ts';
import { NO_SHIFT, NOT_ENDED, shiftedSequence, type Last, type Shift } from '../shift.ts';
import type { Slot } from '../session-table.ts';
import type { SessionKind } from '../words.ts';
import { isTrusted, type Agent, type AgentDirection, type Server } from './parts.ts';

/** A connection that needs a place in the table. */
export interface Newcomer {
  readonly segment: Segment;
  readonly server: Server;
  readonly slot: Slot;
  readonly kind: SessionKind;
  /** As it arrives from the network. */
  readonly front: Flow;
  /** As the server will answer: server → visible peer. */
  readonly back: Flow;
  /** The peer port that the server sees unless there is a collision. */
  readonly wantedPort: Port;
  /** It has a port of the remap range. */
  readonly remapped: boolean;
  /** For a port that rested at the server a moment ago. */
  readonly shift?: Shift;
  readonly before?: Last;
}

/** The one remap range of a server; its number in the accounts of ports. */
const REMAP_RANGE = 0;

/** A place for a newcomer; undefined when the table is full of better ones. */
export function takePlace(agent: Agent, { now }: Segment): Slot | undefined {
  const { sessions, tables, world, journal } = agent;
  const { slot, notes } = sessions.takeSlot(tables, world.chance, now);
  for (const note of notes) journal.note(note);
  return slot;
}

/** What the SYN asks for: the client of a TOA that we believe, else its own source. */
export function newcomerOf(
  agent: Agent,
  segment: Segment,
  server: Server,
  slot: Slot,
  client: Endpoint | undefined,
): Newcomer {
  const { flow } = segment;
  const trusted = isTrusted(agent, flow.from.address);
  const common = { segment, server, slot, front: flow, remapped: false };
  const asItIs = { ...common, back: reversed(flow), wantedPort: flow.from.port };
  if (!trusted) return { ...asItIs, kind: 'direct' };
  if (!client) {
    agent.journal.note('toa-missing');
    return { ...asItIs, kind: 'kept' };
  }
  // A server's own address cannot come in from outside.
  if (client.address === flow.to.address) {
    agent.journal.note('hairpin');
    return { ...asItIs, kind: 'kept' };
  }
  const back = { from: flow.to, to: client };
  return { ...common, back, wantedPort: client.port, kind: 'restored' };
}

/**
 * True when the tuple that the newcomer arrives with can be its own. It is the
 * balancer's, which has let the port rest before using it again, so a resting session
 * gives way.
 */
export function canHaveOwn({ sessions }: Agent, { back }: Newcomer): boolean {
  const owner = sessions.find(back);
  if (!owner) return true;
  if (!isResting(owner.session)) return false;
  sessions.bury(owner.session);
  return true;
}

/** The newcomer with another port of the same client address; undefined when there is none left. */
export function withOtherPort(
  { sessions, ports, tables, journal }: Agent,
  newcomer: Newcomer,
): Newcomer | undefined {
  const { segment, server, back } = newcomer;
  const [low, high] = server.remap;
  const at = (port: Port): Flow => ({ ...back, to: { ...back.to, port } });
  const search = newSearch(segment.now, tables.secret);
  const found = ports.search(
    search,
    { local: REMAP_RANGE, backend: server.backend },
    { low, high },
    false, // the accounts are of all clients' ports together: they do not say that this one's are full
    (port) => sessions.find(at(port))?.session,
  );
  if (found !== undefined) return { ...newcomer, back: at(found), remapped: true };
  const { given } = search;
  if (!given) return undefined;
  const { note, ...numbers } = ports.takeOver(segment, given, server.backend);
  sessions.bury(given);
  journal.note(note);
  return { ...newcomer, back: given.back, remapped: true, ...numbers };
}

/** Makes the newcomer a session; undefined when another one has its tuple. */
export function settle(
  { sessions, journal }: Agent,
  newcomer: Newcomer,
  adopted = false,
): Session | undefined {
  const { server, segment, slot, kind, front, back, wantedPort, remapped } = newcomer;
  const shift = newcomer.shift ?? NO_SHIFT;
  const session = newSession({
    kind,
    front,
    back,
    wantedPort,
    adopted,
    frontIsn: shiftedSequence(segment, { shift }),
    shift,
    before: newcomer.before ?? NOT_ENDED,
    local: remapped ? REMAP_RANGE : undefined,
    backend: server.backend,
  });
  if (!sessions.begin(slot, directionsOf(session, segment), segment.now)) return undefined;
  const traffic = journal.backends[server.backend];
  if (traffic) traffic.connections += 1;
  return session;
}

function directionsOf(session: Session, { now }: Segment) {
  const { front, back, kind } = session;
  const direction = (side: 'front' | 'back', leaves: Flow): AgentDirection => ({
    side,
    session,
    leaves,
    established: false,
    seen: now,
    handshakeAck: 0,
    receivedBytes: 0,
    // What was remapped to its own port, from a resting session, may have its numbers moved.
    identity: session.local === undefined && sameEndpoint(back.to, front.from),
    fromLocal: kind !== 'direct',
    released: false,
    link: undefined,
  });
  return {
    front: direction('front', { from: back.to, to: front.to }),
    back: direction('back', { from: front.to, to: front.from }),
  };
}
