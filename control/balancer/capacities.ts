/** How large the balancer's maps are: fixed where it costs little, so that a changed configuration fits what is pinned. */
import { CLIENT_WAYS } from '../../datapath/binding/contract.ts';
import type { Capacities } from '../../datapath/binding/object.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { roomFor } from '../daemon/object.ts';
import { MAGLEV_SLOTS } from '../schedule/maglev.ts';
import { TABLE_ENTRIES_MAX } from '../schedule/weighted-round-robin.ts';
import { desiredOf } from './desired.ts';

/** The longest table, its successor, and two more for changes in quick succession. */
const TABLES_PER_POOL = 4;
/** Maglev's are 16 times as long: for two changes in quick succession all pools have room together. */
const MAGLEV_TABLES_PER_POOL = 2;
/** Clients that come back: each takes some 100 bytes. */
const STICKY_CLIENTS_MAX = 262_144;

export function capacitiesOf(config: BalancerConfig): Capacities {
  const desired = desiredOf(config);
  const { capacity } = config.sessions;
  const backends = roomFor(desired.backends.size * 2, 4_096);
  const locals = roomFor(desired.locals.length, 256);
  const listeners = roomFor(desired.listeners.size * 2, 1_024);
  const pools = roomFor(desired.pools.length * 2, 1_024);
  return {
    sessions: 2 * capacity,
    session_slots: capacity,
    free_slots: capacity,
    numbers: capacity,
    splices: capacity,
    listeners,
    listener_traffic: listeners,
    listener_outcomes: listeners,
    listener_live: listeners,
    listener_buckets: listeners,
    admissions: listeners,
    protections: listeners,
    pools,
    schedule_cursor: pools,
    schedule: roomFor(scheduleEntries(config), 262_144),
    sticky_clients: Math.min(roomFor(Math.ceil(capacity / 4), 1_024), STICKY_CLIENTS_MAX),
    backends,
    backend_traffic: backends,
    backend_live: backends,
    backend_limits: backends,
    backend_ends: backends,
    backend_trouble: backends,
    client_seats: clientSets(capacity),
    locals,
    locals_by_addr: 2 * locals,
    local_ports: roomFor(2 * desired.locals.length * desired.backends.size, 16_384),
  };
}

function scheduleEntries({ pools }: BalancerConfig): number {
  const isLong = pools.map(({ scheduler }) => scheduler.kind === 'maglev');
  const long = isLong.filter(Boolean).length;
  return (
    (pools.length - long) * TABLES_PER_POOL * TABLE_ENTRIES_MAX +
    long * MAGLEV_TABLES_PER_POOL * MAGLEV_SLOTS
  );
}

/** A seat for every session, so that only an unlucky client has none; 32 MiB at most. */
function clientSets(sessions: number): number {
  return Math.min(roomFor(Math.ceil(sessions / CLIENT_WAYS), 1_024), 262_144);
}
