/** The balancer's daemon: loads or adopts the data path, keeps its tables right, answers questions. */
import { balancerMaps } from '../../datapath/binding/object-maps.ts';
import type { Event } from '../../datapath/binding/contract.ts';
import type { Capacities, LoadedObject } from '../../datapath/binding/object.ts';
import type { EventRow } from '../api/rows.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { attachOnly, type Place } from '../daemon/attachments.ts';
import { infoRow } from '../daemon/counters.ts';
import { readEvents } from '../daemon/events.ts';
import { requireForwarding } from '../daemon/forwarding.ts';
import { History } from '../daemon/history.ts';
import { findReferences } from '../daemon/references.ts';
import { loadRole, roomFor, startSweep } from '../daemon/object.ts';
import {
  behindDoor,
  messageOf,
  sayGoodbye,
  type DaemonOptions,
  type Door,
} from '../daemon/serve.ts';
import { randomSecret } from '../daemon/settings.ts';
import { connectOnce, systemClock } from '../health/connect.ts';
import { HealthMonitor, type HealthChange } from '../health/monitor.ts';
import { desiredOf } from './desired.ts';
import { balancerResources, eventRow, healthRow } from './resources.ts';
import type { View } from './rows.ts';
import { Scheduler } from './scheduler.ts';
import { Tables } from './tables.ts';

const EVENTS_KEPT = 10_000;

/** Resolves when the daemon has stopped; rejects when it could not start. */
export async function runBalancer(config: BalancerConfig, options: DaemonOptions): Promise<void> {
  const { instance } = config;
  requireForwarding(config.interfaces);
  await behindDoor('balancer', instance, options, async (door) => {
    const object = await loadRole('balancer', instance, capacitiesOf(config), options.log);
    try {
      await keepBalancing(config, options, object, door);
    } finally {
      object.close();
    }
  });
  await sayGoodbye('balancer', instance, options);
}

async function keepBalancing(
  config: BalancerConfig,
  { log, configFile }: DaemonOptions,
  object: LoadedObject,
  door: Door,
): Promise<void> {
  const { instance } = config;
  const facts = { role: 'balancer', instance, configFile, since: new Date() } as const;
  const maps = balancerMaps(object);
  const tables = new Tables({
    maps,
    nowMs: () => performance.now(),
    findReferences: () => findReferences(maps),
    randomSecret,
  });
  const events = new History<EventRow>(EVENTS_KEPT);
  const onChange = (change: HealthChange) => {
    const row = healthRow(change);
    events.add(row);
    const { time: _, ...data } = row;
    log[change.after.state === 'down' ? 'warn' : 'info'](data, `backend is ${change.after.state}`);
    scheduler.update(change.pool);
  };
  const monitor: HealthMonitor = new HealthMonitor(
    { connect: connectOnce, clock: systemClock, random: Math.random, onChange },
    config.pools,
    tables.backendsOutOfUse(config),
  );
  const healthOf: View['healthOf'] = (pool, backend) => monitor.of(pool, backend);
  const scheduler = new Scheduler({ tables, healthOf, log }, config);
  await tables.apply(config, (pool, indices) => scheduler.entriesOf(pool, indices));
  await startSweep(object);
  attachOnly(object, { instance, role: 'balancer' }, placesOf(config), log);
  log.info(countsOf(config), 'forwarding');

  const view = (): View => ({ config, maps, indices: tables.indices, healthOf });
  const onEvent = (event: Event) => {
    const row = eventRow(event, view());
    events.add(row);
    const { time: happened, ...data } = row;
    log.warn({ ...data, happened }, event.type);
  };
  const onError = (error: unknown) =>
    log.error({ error: messageOf(error) }, 'events cannot be read');
  const stop = new AbortController();
  try {
    readEvents(maps.events, onEvent, onError, stop.signal);
    const checks = monitor.run(stop.signal);
    const info = () => infoRow(facts, object, maps);
    await door.answerUntilStopped(balancerResources(view, () => events.all(), info));
    stop.abort();
    await checks;
    await scheduler.settled();
  } finally {
    stop.abort();
  }
}

function placesOf({ interfaces }: BalancerConfig): Place[] {
  return interfaces.map((name) => ({
    program: 'balancer_ingress',
    interface: name,
    direction: 'ingress',
  }));
}

/** Fixed where it costs little, so that a changed configuration fits what is pinned. */
function capacitiesOf(config: BalancerConfig): Capacities {
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
    listeners,
    listener_traffic: listeners,
    listener_live: listeners,
    pools,
    schedule_cursor: pools,
    schedule: roomFor(desired.pools.length * SCHEDULE_ENTRIES_PER_POOL, 262_144),
    backends,
    backend_traffic: backends,
    backend_live: backends,
    locals,
    locals_by_addr: 2 * locals,
    local_ports: roomFor(2 * desired.locals.length * desired.backends.size, 16_384),
  };
}

/** The longest table, its successor, and two more for changes in quick succession. */
const SCHEDULE_ENTRIES_PER_POOL = 4 * 4_096;

function countsOf({ listeners, pools, locals }: BalancerConfig) {
  return {
    listeners: listeners.length,
    pools: pools.length,
    backends: pools.reduce((sum, { backends }) => sum + backends.length, 0),
    localRanges: locals.length,
  };
}
