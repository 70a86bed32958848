/** The balancer's daemon: loads or adopts the data path, keeps its tables right, answers questions. */
import type { Event } from '../../datapath/binding/contract.ts';
import { NOTE } from '../../datapath/binding/verdicts.ts';
import { bind } from '../api/route.ts';
import { BALANCER_ROUTES } from '../api/routes.ts';
import type { EventRow } from '../api/rows.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { thisMachine } from '../config/machine.ts';
import { infoRow } from '../daemon/counters.ts';
import { messageOf } from '../daemon/failure.ts';
import { History } from '../daemon/history.ts';
import { LostEvents } from '../daemon/lost-events.ts';
import {
  behindDoor,
  keepWorking,
  type DaemonOptions,
  type Door,
  type Work,
} from '../daemon/serve.ts';
import { Troubles } from '../daemon/troubles.ts';
import type { ReloadState } from '../reconcile/configurator.ts';
import type { HealthChange } from '../health/monitor.ts';
import { stateDirectory } from '../state/directory.ts';
import { RuntimeStore } from '../state/runtime.ts';
import { Balancing } from './balancing.ts';
import type { Engine } from './engine.ts';
import { balancerDrift } from './drift.ts';
import { ListenerAddresses } from './listener-addresses.ts';
import { openEngine, refuseOtherEngine } from './open-engine.ts';
import { balancerHandlers, eventRow, healthRow } from './resources.ts';
import { watchLocals } from './watch-locals.ts';

const EVENTS_KEPT = 10_000;

/** Resolves when the daemon has stopped; rejects when it could not start. */
export async function runBalancer(
  config: BalancerConfig,
  options: DaemonOptions<BalancerConfig>,
): Promise<void> {
  let engine: Engine | undefined;
  await behindDoor('balancer', config.instance, async (door) => {
    engine = await openEngine(config, options.log);
    try {
      await keepBalancing(config, options, engine, door);
    } finally {
      await engine.close();
    }
  });
  await engine?.sayGoodbye(options.detachOnExit);
}

async function keepBalancing(
  config: BalancerConfig,
  options: DaemonOptions<BalancerConfig>,
  engine: Engine,
  door: Door,
): Promise<void> {
  const { log, configFile } = options;
  const facts = {
    role: 'balancer',
    instance: config.instance,
    configFile,
    since: new Date(),
  } as const;
  const { maps } = engine;
  const events = new History<EventRow>(EVENTS_KEPT);
  const onHealth = (change: HealthChange) => {
    const row = healthRow(change);
    events.add(row);
    const { time: _, ...data } = row;
    log[change.after.state === 'down' ? 'warn' : 'info'](data, `backend is ${change.after.state}`);
  };
  const runtime = new RuntimeStore({
    directory: stateDirectory(options.stateRoot, config.instance, 'balancer'),
    nowMs: Date.now,
  });
  const balancing = new Balancing({ engine, log, runtime, onHealth }, engine.fit(config));
  const troubles = new Troubles({ log, nowMs: () => performance.now() });
  const lost = new LostEvents({ count: () => maps.notes.sum(NOTE['event-lost']), troubles });
  const addresses = new ListenerAddresses({ here: () => thisMachine.addresses(), log });
  const onEvent = (event: Event) => {
    const row = eventRow(event, balancing.view);
    events.add(row);
    const { time: happened, ...data } = row;
    troubles.tell(
      `${event.type} ${row['listener']} ${row['local']}`,
      { ...data, happened },
      event.type,
    );
  };
  const follow = () => {
    balancing.follow();
    lost.follow();
    troubles.follow();
    addresses.follow(balancing.wanted.listeners.map(({ address }) => address.address));
  };
  const onError = (error: unknown) =>
    log.error({ error: messageOf(error) }, 'events cannot be read');
  const stop = new AbortController();
  try {
    await balancing.apply(engine.fit(config));
    engine.readEvents(onEvent, onError, stop.signal);
    const onLocals = (error: unknown) =>
      log.error({ error: messageOf(error) }, 'local ports cannot be read');
    const forecast = watchLocals(maps, onLocals, stop.signal);
    const routes = (reload: () => ReloadState) =>
      bind(
        BALANCER_ROUTES,
        balancerHandlers({
          view: () => balancing.view,
          wanted: () => balancing.wanted,
          forecast,
          events: () => events.all(),
          info: () => ({
            ...infoRow({ ...facts, ...reload() }, engine.loaded, maps),
            engine: engine.kind,
          }),
          rehearse: engine.rehearse,
          runtime,
        }),
      );
    const work: Work<BalancerConfig> = {
      check: async (wanted) => {
        refuseOtherEngine(config, wanted);
        await balancing.check(engine.fit(wanted));
      },
      apply: (wanted) => balancing.apply(engine.fit(wanted)),
      follow,
      drift: balancerDrift(() => balancing.wanted, runtime),
      events,
      routes,
    };
    await keepWorking('balancer', options, work, door);
  } finally {
    stop.abort();
    await balancing.stop();
  }
}
