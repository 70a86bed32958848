/** The balancer's daemon: loads or adopts the data path, keeps its tables right, answers questions. */
import type { Event } from '../../datapath/binding/contract.ts';
import { balancerMaps } from '../../datapath/binding/object-maps.ts';
import type { LoadedObject } from '../../datapath/binding/object.ts';
import type { EventRow } from '../api/rows.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { infoRow } from '../daemon/counters.ts';
import { readEvents } from '../daemon/events.ts';
import { messageOf } from '../daemon/failure.ts';
import { requireForwarding } from '../daemon/forwarding.ts';
import { History } from '../daemon/history.ts';
import { loadRole, startSweep } from '../daemon/object.ts';
import {
  behindDoor,
  keepWorking,
  sayGoodbye,
  type DaemonOptions,
  type Door,
  type Work,
} from '../daemon/serve.ts';
import type { ReloadState } from '../daemon/reload.ts';
import type { HealthChange } from '../health/monitor.ts';
import { Balancing } from './balancing.ts';
import { capacitiesOf } from './capacities.ts';
import { balancerResources, eventRow, healthRow } from './resources.ts';
import { watchLocals } from './watch-locals.ts';

const EVENTS_KEPT = 10_000;

/** Resolves when the daemon has stopped; rejects when it could not start. */
export async function runBalancer(
  config: BalancerConfig,
  options: DaemonOptions<BalancerConfig>,
): Promise<void> {
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
  options: DaemonOptions<BalancerConfig>,
  object: LoadedObject,
  door: Door,
): Promise<void> {
  const { log, configFile } = options;
  const facts = {
    role: 'balancer',
    instance: config.instance,
    configFile,
    since: new Date(),
  } as const;
  const maps = balancerMaps(object);
  const events = new History<EventRow>(EVENTS_KEPT);
  const onHealth = (change: HealthChange) => {
    const row = healthRow(change);
    events.add(row);
    const { time: _, ...data } = row;
    log[change.after.state === 'down' ? 'warn' : 'info'](data, `backend is ${change.after.state}`);
  };
  const balancing = new Balancing({ object, maps, log, onHealth }, config);
  const onEvent = (event: Event) => {
    const row = eventRow(event, balancing.view);
    events.add(row);
    const { time: happened, ...data } = row;
    log.warn({ ...data, happened }, event.type);
  };
  const onError = (error: unknown) =>
    log.error({ error: messageOf(error) }, 'events cannot be read');
  const stop = new AbortController();
  try {
    await startSweep(object);
    await balancing.apply(config);
    readEvents(maps.events, onEvent, onError, stop.signal);
    const onLocals = (error: unknown) =>
      log.error({ error: messageOf(error) }, 'local ports cannot be read');
    const forecast = watchLocals(maps, onLocals, stop.signal);
    const resources = (reload: () => ReloadState) =>
      balancerResources(
        () => balancing.view,
        forecast,
        () => events.all(),
        () => infoRow({ ...facts, ...reload() }, object, maps),
      );
    const work: Work<BalancerConfig> = {
      check: (wanted) => balancing.check(wanted),
      apply: (wanted) => balancing.apply(wanted),
      follow: () => balancing.follow(),
      resources,
    };
    await keepWorking(config, options, work, door);
  } finally {
    stop.abort();
    await balancing.stop();
  }
}
