/** What the balancer makes of a configuration: tables, schedules, health checks, attachments; changed together. */
import type { BalancerMaps } from '../../datapath/binding/object-maps.ts';
import { refuseOtherCapacities, type LoadedObject } from '../../datapath/binding/object.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { Attachments, type Place } from '../daemon/attachments.ts';
import { requireForwarding } from '../daemon/forwarding.ts';
import type { Log } from '../daemon/log.ts';
import { findReferences } from '../daemon/references.ts';
import { randomSecret } from '../daemon/settings.ts';
import { connectOnce, systemClock } from '../health/connect.ts';
import { HealthMonitor, type HealthChange } from '../health/monitor.ts';
import { capacitiesOf } from './capacities.ts';
import type { View } from './rows.ts';
import { Scheduler } from './scheduler.ts';
import { Tables } from './tables.ts';

export type BalancingParts = {
  readonly object: LoadedObject;
  readonly maps: BalancerMaps;
  readonly log: Log;
  readonly onHealth: (change: HealthChange) => void;
};

export class Balancing {
  readonly #parts: BalancingParts;
  readonly #tables: Tables;
  readonly #monitor: HealthMonitor;
  readonly #scheduler: Scheduler;
  readonly #attachments: Attachments;
  #config: BalancerConfig;

  /** Nothing is done before `apply`. */
  constructor(parts: BalancingParts, config: BalancerConfig) {
    const { object, maps, log, onHealth } = parts;
    this.#parts = parts;
    this.#config = config;
    this.#tables = new Tables({
      maps,
      nowMs: () => performance.now(),
      findReferences: () => findReferences(maps),
      randomSecret,
    });
    const onChange = (change: HealthChange) => {
      onHealth(change);
      this.#scheduler.update(change.pool);
    };
    this.#monitor = new HealthMonitor({
      ...{ connect: connectOnce, clock: systemClock, random: Math.random, onChange },
    });
    const healthOf: View['healthOf'] = (pool, backend) => this.#monitor.of(pool, backend);
    this.#scheduler = new Scheduler({ tables: this.#tables, healthOf, log }, config);
    this.#attachments = new Attachments({
      ...{ object, instance: config.instance, role: 'balancer', log },
    });
  }

  get view(): View {
    return {
      config: this.#config,
      maps: this.#parts.maps,
      indices: this.#tables.indices,
      healthOf: (pool, backend) => this.#monitor.of(pool, backend),
    };
  }

  /** Rejects when this machine, or what is loaded, cannot have it; changes nothing. */
  async check(config: BalancerConfig): Promise<void> {
    requireForwarding(config.interfaces);
    const { instance } = config;
    const capacities = capacitiesOf(config);
    await refuseOtherCapacities(this.#parts.object, { instance, role: 'balancer', capacities });
  }

  /** Programs come last: a packet finds tables. */
  async apply(config: BalancerConfig): Promise<void> {
    await this.#scheduler.change(config, async () => {
      this.#monitor.add(config.pools, this.#tables.backendsOutOfUse(config));
      await this.#tables.apply(config, (pool, indices) => this.#scheduler.entriesOf(pool, indices));
      this.#config = config;
    });
    this.#attachments.place(placesOf(config));
    this.#monitor.follow(config.pools);
    this.#parts.log.info(countsOf(config), 'forwarding');
  }

  follow(): void {
    this.#attachments.follow();
  }

  async stop(): Promise<void> {
    await this.#monitor.stop();
    await this.#scheduler.settled();
  }
}

function placesOf({ interfaces }: BalancerConfig): Place[] {
  return interfaces.map((name) => ({
    program: 'balancer_ingress',
    interface: name,
    direction: 'ingress',
  }));
}

function countsOf({ listeners, pools, locals }: BalancerConfig) {
  return {
    listeners: listeners.length,
    pools: pools.length,
    backends: pools.reduce((sum, { backends }) => sum + backends.length, 0),
    localRanges: locals.length,
  };
}
