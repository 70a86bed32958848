/** Which of a pool's backends a new connection goes to. */
import type { Endpoint, Ipv4Address } from '../../../packet/index.ts';
import type { PoolRow, StickyRow } from '../data-path.ts';
import type { Flow } from '../flow.ts';
import { mix } from '../ports.ts';
import type { Segment } from '../segment.ts';
import { isLive } from '../session.ts';
import { nanosecondsFromTicks, type Ticks } from '../world.ts';
import type { Balancer, Listener } from './parts.ts';

interface Chosen {
  readonly backend: number;
  readonly at: Endpoint;
}

/** One backend of a walk, and how far it is along the table. */
interface Candidate extends Chosen {
  readonly step: number;
}

/** Positions of the schedule looked at for a backend below its limit. */
const BACKEND_TRIES = 256;
/** ... and for the one with the fewest connections. */
const LEAST_OF = 64;
const NANOSECONDS_PER_SECOND = 1e9;

/** The backend that the client comes back to, or that its pool's schedule gives. */
export function chooseBackend(
  balancer: Balancer,
  listener: Listener,
  pool: PoolRow,
  segment: Segment,
): Chosen | 'no-backend' | 'backend-limit' {
  const { sticky } = pool;
  const key = sticky && stickyKey(listener.pool, segment.flow.from.address, sticky);
  const known = key === undefined ? undefined : knownBackend(balancer, key, segment.now);
  const chosen = known ?? searchTable(balancer, listener.pool, pool, segment.flow);
  if (key !== undefined && sticky && typeof chosen !== 'string')
    balancer.sticky.set(key, {
      ...chosen,
      untilNs: nanosecondsFromTicks(segment.now) + sticky.seconds * NANOSECONDS_PER_SECOND,
    });
  return chosen;
}

/** A backend that is out, or that has its most, takes no new connections. */
export function takesNew(balancer: Balancer, backend: number): boolean {
  return !isOut(balancer, backend) && !isFull(balancer, backend);
}

/** No pool's schedule has it. */
export function isOut({ tables, backends }: Balancer, backend: number): boolean {
  const scheduled = tables.pools.some(({ schedule }) => schedule.includes(backend));
  return !scheduled || backends[backend] === undefined;
}

function knownBackend(balancer: Balancer, key: string, now: Ticks): Chosen | undefined {
  const known = balancer.sticky.get(key);
  if (!known || known.untilNs <= nanosecondsFromTicks(now)) return undefined;
  const { backend, at } = known;
  const is = balancer.backends[backend];
  const isSame = is?.address === at.address && is.port === at.port;
  return isSame && takesNew(balancer, backend) ? { backend, at } : undefined;
}

/** From this connection's position on, the first backend that is below its limit, or the least busy. */
function searchTable(
  balancer: Balancer,
  pool: number,
  row: PoolRow,
  flow: Flow,
): Chosen | 'no-backend' | 'backend-limit' {
  const { schedule, select } = row;
  if (schedule.length === 0) return 'no-backend';
  const hash = hashOf(row, flow);
  const first = (hash ?? (balancer.cursors.get(pool) ?? 0) + 1) % schedule.length;
  const [candidates, metFull] = candidatesFrom(balancer, schedule, first);
  const chosen =
    select === 'least-connections' ? leastBusy(balancer, row, candidates) : candidates[0];
  // The share of one that is full is everyone's, not its neighbour's.
  if (hash === undefined)
    balancer.cursors.set(pool, first + (select === 'round-robin' ? (chosen?.step ?? 0) : 0));
  return chosen ?? (metFull ? 'backend-limit' : 'no-backend');
}

/** Those that may take a connection, in the order they are come by. */
function candidatesFrom(
  balancer: Balancer,
  schedule: readonly number[],
  first: number,
): [candidates: Candidate[], metFull: boolean] {
  const candidates: Candidate[] = [];
  let metFull = false;
  for (let step = 0; step < Math.min(schedule.length, BACKEND_TRIES); step++) {
    const backend = schedule[(first + step) % schedule.length];
    const at = backend === undefined ? undefined : balancer.backends[backend];
    if (backend === undefined || !at) continue;
    if (isFull(balancer, backend)) metFull = true;
    else candidates.push({ backend, at, step });
  }
  return [candidates, metFull];
}

/** The one that would have the fewest connections for its weight with this one; of equal ones the first. */
function leastBusy(
  balancer: Balancer,
  { weights }: PoolRow,
  candidates: readonly Candidate[],
): Candidate | undefined {
  // Beyond the first positions only until there is one.
  const near = candidates.filter(({ step }) => step < LEAST_OF);
  const loadOf = ({ backend }: Candidate) =>
    (liveOf(balancer, backend) + 1) / Math.max(1, weights?.[backend] ?? 0);
  return (near.length > 0 ? near : candidates.slice(0, 1)).toSorted(
    (a, b) => loadOf(a) - loadOf(b),
  )[0];
}

/** A backend with as many live sessions as it may have. */
function isFull(balancer: Balancer, backend: number): boolean {
  const most = balancer.tables.backendLimits[backend] ?? 0;
  return most > 0 && liveOf(balancer, backend) >= most;
}

function liveOf({ sessions }: Balancer, backend: number): number {
  return sessions.all().filter((session) => session.backend === backend && isLive(session)).length;
}

/** The connection's place in the table, where that does not depend on those before it. */
function hashOf({ select, seed }: PoolRow, { from }: Flow): number | undefined {
  const hash = mix((from.address ^ seed) >>> 0);
  switch (select) {
    case 'source-hash':
      return hash;
    case 'connection-hash':
      return mix((hash ^ from.port) >>> 0);
    case 'round-robin':
    case 'least-connections':
      return undefined;
  }
}

function stickyKey(pool: number, address: Ipv4Address, { bits }: StickyRow): string {
  return `${pool}/${Math.floor(address / 2 ** (32 - bits))}`;
}
