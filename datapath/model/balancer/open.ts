/** A SYN to a listener: a backend, a local port, a session. */
import { ipv4Address, type Endpoint } from '../../../packet/index.ts';
import type { PoolRow } from '../data-path.ts';
import { tupleOf, type Flow } from '../flow.ts';
import { hashAddress } from '../ports.ts';
import { isLive, newSession, type Session } from '../session.ts';
import { countSessions } from '../session-table.ts';
import type { Segment } from '../segment.ts';
import type { EventType, Refused } from '../words.ts';
import type { Balancer, BalancerDirection, Listener } from './parts.ts';

type Failure = Refused | 'drop-race' | 'drop-internal';

interface Reserved {
  readonly local: number;
  readonly from: Endpoint;
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
  const evicted = sessions.evicted;
  const slot = sessions.takeSlot(tables, world.chance, segment.now);
  if (sessions.evicted > evicted) balancer.journal.note('opening-evicted');
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
    frontIsn: segment.sequence,
    local: reserved.local,
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

/** Tries the pool's locals; the same client gets the same one first (RFC 7857 section 4). */
function reserveLocal(
  balancer: Balancer,
  { locals }: PoolRow,
  { backend, at }: { backend: number; at: Endpoint },
  { flow }: Segment,
): Reserved | undefined {
  const { sessions, tables, ports } = balancer;
  const start = hashAddress(flow.from.address, tables.secret[1]);
  for (let step = 0; step < Math.min(locals.count, LOCAL_TRIES); step++) {
    const local = locals.first + (((start + step) >>> 0) % locals.count);
    const row = tables.locals[local];
    if (!row) continue;
    const address = ipv4Address(row.address);
    const [low, high] = row.ports;
    const own = sessions.all().filter((one) => one.local === local && one.backend === backend);
    const { inUse, resting } = countSessions(own);
    const found = ports.search(
      { local, backend },
      { low, high },
      tables.secret,
      inUse + resting >= high - low + 1,
      (port) => !sessions.has({ from: at, to: { address, port } }),
    );
    if (found !== undefined) return { local, from: { address, port: found } };
  }
  return undefined;
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
