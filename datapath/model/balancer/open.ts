/** A SYN to a listener: a backend, a local port, a session. */
import { ipv4Address, type Endpoint } from '../../../packet/index.ts';
import type { PoolRow } from '../data-path.ts';
import { tupleOf, type Flow } from '../flow.ts';
import { hashAddress } from '../ports.ts';
import { isLive, newSession, type Session } from '../session.ts';
import { newSearch } from '../reserve.ts';
import { NO_SHIFT, shiftedSequence, type Shift } from '../shift.ts';
import type { Segment } from '../segment.ts';
import type { EventType, Refused } from '../words.ts';
import type { Balancer, BalancerDirection, Listener } from './parts.ts';

type Failure = Refused | 'drop-race' | 'drop-internal';

interface Reserved {
  readonly local: number;
  readonly from: Endpoint;
  readonly shift: Shift;
}

/** Locals asked before the SYN is refused. */
const LOCAL_TRIES = 8;
const NO_ENDPOINT = '0.0.0.0:0';

/** Opens a session for a SYN; undefined when it exists afterwards, else why not. */
export function openSession(
  balancer: Balancer,
  segment: Segment,
  listener: Listener,
): Failure | undefined {
  const pool = balancer.tables.pools[listener.pool];
  if (!pool) return 'drop-internal';
  if (isOverLimit(balancer, listener)) return 'listener-limit';
  const backend = chooseBackend(balancer, listener, pool, segment);
  const at = backend === undefined ? undefined : balancer.backends[backend];
  if (backend === undefined || !at) return failed(balancer, segment, 'no-backend');
  const { sessions, tables, world } = balancer;
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
    backend,
    listener: listener.index,
  });
  if (!sessions.begin(slot, directionsOf(session, listener, segment), segment.now))
    return 'drop-race';
  countConnection(balancer, session);
  return undefined;
}

export function isOverLimit({ sessions }: Balancer, listener: Listener): boolean {
  if (!listener.sessionsMax) return false;
  const own = sessions.all().filter((session) => session.listener === listener.index);
  return own.filter(isLive).length >= listener.sessionsMax;
}

/** The next position in the pool's schedule, or always the same one for the same client. */
function chooseBackend(
  balancer: Balancer,
  listener: Listener,
  { schedule, select }: PoolRow,
  { flow }: Segment,
): number | undefined {
  if (schedule.length === 0) return undefined;
  switch (select) {
    case 'source-hash': {
      const hash = hashAddress(flow.from.address, balancer.tables.secret[0]);
      return schedule[hash % schedule.length];
    }
    case 'round-robin': {
      const position = (balancer.cursors.get(listener.pool) ?? 0) + 1;
      balancer.cursors.set(listener.pool, position);
      return schedule[position % schedule.length];
    }
  }
}

/**
 * Tries the pool's locals; the same client gets the same one first (RFC 7857 section 4).
 * When no port is free, the one that has rested longest.
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
      own.filter(isLive).length >= high - low + 1,
      (port) => sessions.find({ from: at, to: { address, port } })?.session,
    );
    if (found !== undefined) return { local, from: { address, port: found }, shift: NO_SHIFT };
  }
  const resting = search.longest;
  if (resting?.local === undefined) return undefined;
  const shift = ports.takeOver(segment, resting, backend);
  sessions.bury(resting);
  journal.note('reused');
  return { local: resting.local, from: resting.back.to, shift };
}

/** How the client's packets will leave, from the reserved local port; and the server's, as the listener's. */
function directionsOf(
  session: Session,
  { toa }: Listener,
  { now, flow }: Segment,
): { front: BalancerDirection; back: BalancerDirection } {
  const common = { session, established: false, seen: now, handshakeAck: 0, toa } as const;
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

function failed<F extends Refused & EventType>(
  { journal }: Balancer,
  { flow, now }: Segment,
  type: F,
): F {
  journal.tellSeldom(
    {
      type,
      subject: tupleOf(flow),
      owner: `${NO_ENDPOINT}>${NO_ENDPOINT}`,
      visible: `${NO_ENDPOINT}>${NO_ENDPOINT}`,
      visiblePort: 0,
      action: 'none',
      ownerKind: 'balanced',
      subjectKind: 'balanced',
    },
    now,
  );
  return type;
}
