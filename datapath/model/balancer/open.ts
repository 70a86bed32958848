/** A SYN to a listener: a backend, a local port, a session. */
import { ipv4Address, type Endpoint } from '../../../packet/index.ts';
import type { PoolRow } from '../data-path.ts';
import type { Flow } from '../flow.ts';
import { hashAddress } from '../ports.ts';
import { isLive, newSession, type Session } from '../session.ts';
import { newSearch } from '../reserve.ts';
import { NO_SHIFT, NOT_ENDED, shiftedSequence, type Last, type Shift } from '../shift.ts';
import type { Splice } from '../splice.ts';
import type { Segment } from '../segment.ts';
import type { EventType, Refused } from '../words.ts';
import { countedClient, tellOf } from './admission.ts';
import type { Balancer, BalancerDirection, Listener } from './parts.ts';
import { chooseBackend } from './schedule.ts';

type Failure = Refused | 'drop-race' | 'drop-internal';

interface Reserved {
  readonly local: number;
  readonly from: Endpoint;
  readonly shift: Shift;
  readonly before: Last;
}

/** Locals asked before the SYN is refused. */
const LOCAL_TRIES = 8;
/** Of a port that was free: nobody has to be outdone. */
const UNTOUCHED = { shift: NO_SHIFT, before: NOT_ENDED };

/** Opens a session for an admitted SYN; undefined when it exists afterwards, else why not. */
export function openSession(
  balancer: Balancer,
  segment: Segment,
  listener: Listener,
  splice?: Splice,
): Failure | undefined {
  const pool = balancer.tables.pools[listener.pool];
  if (!pool) return 'drop-internal';
  const chosen = chooseBackend(balancer, listener, pool, segment);
  if (typeof chosen === 'string') return failed(balancer, segment, chosen);
  const { backend, at } = chosen;
  const { sessions, tables, world } = balancer;
  const opening = sessions.all().filter(isOpening).length;
  if (opening >= tables.openingMax) tellOf(balancer, segment, 'opening-limit');
  const { slot, notes } = sessions.takeSlot(tables, world.chance, segment.now);
  for (const note of notes) balancer.journal.note(note);
  if (slot === undefined) return failed(balancer, segment, 'table-full');
  const reserved = reserveLocal(balancer, pool, { backend, at }, segment);
  if (!reserved) {
    sessions.returnSlot(slot);
    return failed(balancer, segment, 'no-local-port');
  }
  const session = newSession({
    kind: 'balanced',
    front: segment.flow,
    back: { from: at, to: reserved.from },
    frontIsn: shiftedSequence(segment, reserved),
    local: reserved.local,
    shift: reserved.shift,
    before: reserved.before,
    backend,
    listener: listener.index,
    splice,
    client: countedClient(listener, segment.flow.from.address),
  });
  if (!sessions.begin(slot, directionsOf(session, listener, segment), segment.now))
    return 'drop-race';
  countConnection(balancer, session);
  return undefined;
}

/**
 * Tries the pool's locals; the same client gets the same one first (RFC 7857 section 4).
 * When no port is free, the one that has rested longest, or of who is half open.
 */
function reserveLocal(
  balancer: Balancer,
  { locals }: PoolRow,
  { backend, at }: { backend: number; at: Endpoint },
  segment: Segment,
): Reserved | undefined {
  const { sessions, tables, ports, journal } = balancer;
  const start = hashAddress(segment.flow.from.address, tables.secret[1]);
  const search = newSearch(segment.now, tables.secret);
  for (let step = 0; step < Math.min(locals.count, LOCAL_TRIES); step++) {
    const local = locals.first + (((start + step) >>> 0) % locals.count);
    const row = tables.locals[local];
    if (!row) continue;
    const address = ipv4Address(row.address);
    const [low, high] = row.ports;
    const own = sessions.all().filter((one) => one.local === local && one.backend === backend);
    const found = ports.search(
      search,
      { local, backend },
      { low, high },
      own.filter(isLive).length >= high - low + 1 && !sessions.all().some(isOpening),
      (port) => sessions.find({ from: at, to: { address, port } })?.session,
    );
    if (found !== undefined) return { local, from: { address, port: found }, ...UNTOUCHED };
  }
  const { given } = search;
  if (given?.local === undefined) return undefined;
  const { note, ...numbers } = ports.takeOver(segment, given, backend);
  sessions.bury(given);
  journal.note(note);
  return { local: given.local, from: given.back.to, ...numbers };
}

function isOpening({ state }: Session): boolean {
  return state === 'opening';
}

/** How the client's packets will leave, from the reserved local port; and the server's, as the listener's. */
function directionsOf(
  session: Session,
  { toa }: Listener,
  { now, flow }: Segment,
): { front: BalancerDirection; back: BalancerDirection } {
  const common = {
    session,
    established: false,
    seen: now,
    handshakeAck: 0,
    receivedBytes: 0,
    toa,
  } as const;
  const direction = (side: 'front' | 'back', leaves: Flow): BalancerDirection => ({
    ...common,
    side,
    leaves,
    toaDue: false,
    toaSent: false,
  });
  return {
    front: direction('front', { from: session.back.to, to: session.back.from }),
    back: direction('back', { from: flow.to, to: flow.from }),
  };
}

function countConnection({ journal }: Balancer, { listener, backend }: Session): void {
  for (const traffic of [journal.listeners[listener], journal.backends[backend]])
    if (traffic) traffic.connections += 1;
}

function failed<F extends Refused & EventType>(balancer: Balancer, segment: Segment, type: F): F {
  tellOf(balancer, segment, type);
  return type;
}
