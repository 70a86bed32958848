/** What the balancer makes of a configuration: tables, schedules, health checks, the engine's doors; changed together. */
import type { BalancerConfig } from '../config/balancer.ts';
import type { Log } from '../daemon/log.ts';
import type { BackendName, RuntimeStore } from '../state/runtime.ts';
import { messageOf } from '../daemon/failure.ts';
import { findReferences } from '../daemon/references.ts';
import { randomSecret } from '../daemon/settings.ts';
import { CheckCounts } from '../health/check-counts.ts';
import { connectFrom, systemClock } from '../health/connect.ts';
import { httpConnector } from '../health/http.ts';
import { HealthMonitor, type HealthChange } from '../health/monitor.ts';
import { keyOf } from './desired.ts';
import { Drains, resetsDown } from './drains.ts';
import type { Engine } from './engine.ts';
import { drainOf, withRuntime } from './runtime.ts';
import type { View } from './rows.ts';
import { Scheduler } from './scheduler.ts';
import { Tables } from './tables.ts';

export type BalancingParts = {
  readonly engine: Engine;
  readonly log: Log;
  /** What people changed beside the file. */
  readonly runtime: RuntimeStore;
  readonly onHealth: (change: HealthChange) => void;
};

const TROUBLE_MS = 1_000;

export class Balancing {
  readonly #parts: BalancingParts;
  readonly #tables: Tables;
  readonly #checks = new CheckCounts();
  readonly #monitor: HealthMonitor;
  readonly #scheduler: Scheduler;
  readonly #drains: Drains;
  /** As the file, or whoever spoke last, says. */
  #wanted: BalancerConfig;
  /** With what people changed beside it. */
  #config: BalancerConfig;
  #ticking: Promise<void> | undefined;
  /** By pool and backend: how often the kernel had seen trouble. */
  readonly #trouble = new Map<string, number>();
  #troubleAtMs = 0;
  /** Since the health of a backend has changed. */
  #endsAreOld = false;

  /** Nothing is done before `apply`. */
  constructor(parts: BalancingParts, config: BalancerConfig) {
    const { engine, log, runtime, onHealth } = parts;
    const { maps } = engine;
    this.#parts = parts;
    this.#wanted = config;
    this.#config = withRuntime(config, runtime);
    this.#tables = new Tables({
      maps,
      nowMs: () => performance.now(),
      findReferences: () => findReferences(maps),
      randomSecret,
    });
    const onChange = (change: HealthChange) => {
      onHealth(change);
      const { pool, backend, before, after } = change;
      this.#endsAreOld = true;
      const key = keyOf(backend);
      if (after.isUsed) this.#drains.revive(pool, key, this.#tables.indices.backends.get(key));
      if (after.isUsed && !before.isUsed) this.#scheduler.rise(pool, key);
      else this.#scheduler.update(pool);
    };
    this.#monitor = new HealthMonitor({
      connectFrom,
      requestBy: httpConnector,
      clock: systemClock,
      random: Math.random,
      onChange,
      onCheck: (backend, check) => this.#checks.add(backend, check),
    });
    const healthOf: View['healthOf'] = (pool, backend) => this.#monitor.of(pool, backend);
    const isDrained = (pool: string, backend: string) =>
      drainOf(runtime, pool, backend) !== undefined;
    this.#scheduler = new Scheduler(
      {
        ...{ tables: this.#tables, healthOf, isDrained, log },
        steadyMs: () => systemClock.steadyMs(),
        onPanic: () => {
          this.#endsAreOld = true;
          this.#followEnds();
        },
      },
      this.#config,
    );
    this.#drains = new Drains({
      ...{ maps, runtime, log, nowMs: Date.now, steadyNs: () => process.hrtime.bigint() },
      downSince: (pool, backend) => this.#downSince(pool, backend),
      send: engine.send === undefined ? undefined : (frame) => engine.send?.(frame) ?? false,
    });
    runtime.onChange((names) => this.#follow(names));
  }

  get wanted(): BalancerConfig {
    return this.#wanted;
  }

  get view(): View {
    return {
      config: this.#config,
      maps: this.#parts.engine.maps,
      indices: this.#tables.indices,
      checksOf: (backend) => this.#checks.of(backend),
      healthOf: (pool, backend) => this.#monitor.of(pool, backend),
      lastCheckOf: (pool, backend) => this.#monitor.lastCheckOf(pool, backend),
      drainOf: (pool, backend) => drainOf(this.#parts.runtime, pool, backend),
      isSuspected: (pool, backend) => this.#monitor.isSuspected(pool, backend),
    };
  }

  /** Rejects when this machine, or what is loaded, cannot have it; changes nothing. */
  async check(config: BalancerConfig): Promise<void> {
    await this.#parts.engine.check(config);
  }

  /** The engine opens last: a packet finds tables. */
  async apply(wanted: BalancerConfig): Promise<void> {
    const config = withRuntime(wanted, this.#parts.runtime);
    await this.#scheduler.change(config, async () => {
      this.#monitor.add(config.pools, await this.#tables.backendsOutOfUse(config));
      const removed = await this.#tables.apply(config, (pool, indices) =>
        this.#scheduler.scheduleOf(pool, indices),
      );
      this.#drains.follow(config, this.#tables.indices.backends, removed, this.#config);
      this.#config = config;
      this.#wanted = wanted;
    });
    await this.#parts.engine.open(config, this.#tables.indices);
    this.#monitor.follow(config.pools);
    this.#forgetWhatIsGone(wanted);
    this.#parts.log.info(countsOf(config), 'forwarding');
  }

  #forgetWhatIsGone({ pools }: BalancerConfig): void {
    const { runtime, log } = this.#parts;
    const there = new Set(
      pools.flatMap(({ name, backends }) =>
        backends.map(({ address }) => `${name} ${keyOf(address)}`),
      ),
    );
    try {
      for (const { pool, backend } of runtime.forgetOthers((...name) => there.has(name.join(' '))))
        log.info(
          { pool, backend },
          'what was changed beside the file is forgotten with the backend',
        );
    } catch (error) {
      log.error(
        { error: messageOf(error) },
        'what was changed beside the file cannot be forgotten',
      );
    }
  }

  /** The tables of the pools that a change beside the file is about, and no others. */
  #follow(names: readonly BackendName[]): void {
    const { runtime } = this.#parts;
    const changed = names.length === 0 ? undefined : new Set(names.map(({ pool }) => pool));
    this.#config = withRuntime(
      this.#wanted,
      runtime,
      changed && { pools: changed, in: this.#config },
    );
    this.#scheduler.use(this.#config);
    for (const pool of changed ?? this.#config.pools.map(({ name }) => name))
      this.#scheduler.update(pool);
    this.#drains.follow(this.#config, this.#tables.indices.backends);
  }

  /** Resolves when every change so far is in the tables. */
  settled(): Promise<void> {
    return this.#scheduler.settled();
  }

  follow(): void {
    this.#parts.engine.follow();
    this.#watchTrouble();
    this.#followEnds();
    this.#ticking ??= this.#drains
      .tick()
      .catch((error: unknown) =>
        this.#parts.log.error({ error: messageOf(error) }, 'drained sessions cannot be ended'),
      )
      .finally(() => (this.#ticking = undefined));
  }

  /** Sessions of backends that are down end, where their pool says so. */
  #followEnds(): void {
    if (!this.#endsAreOld || !resetsDown(this.#config)) return;
    this.#endsAreOld = false;
    this.#drains.follow(this.#config, this.#tables.indices.backends);
  }

  /** Where all backends are used for want of better ones, sessions are not ended either. */
  #downSince(pool: string, backend: string): number | undefined {
    const { state, sinceMs } = this.#monitor.of(pool, backend);
    return state === 'down' && !this.#scheduler.isPanicking(pool) ? sinceMs : undefined;
  }

  /** A RST for a SYN, or a SYN sent again: what the kernel counts, looked at once a second. */
  #watchTrouble(): void {
    const nowMs = systemClock.steadyMs();
    if (nowMs < this.#troubleAtMs) return;
    this.#troubleAtMs = nowMs + TROUBLE_MS;
    const { backendTrouble } = this.#parts.engine.maps;
    const { backends: indices } = this.#tables.indices;
    for (const { name, health, backends } of this.#config.pools) {
      if (health.kind === 'off') continue;
      for (const { address } of backends) {
        const key = keyOf(address);
        const index = indices.get(key);
        if (index === undefined) continue;
        const { refused, unanswered } = backendTrouble.get(index);
        const before = this.#trouble.get(`${name} ${key}`);
        const now = refused + unanswered;
        this.#trouble.set(`${name} ${key}`, now);
        if (before !== undefined && now !== before) this.#monitor.suspect(name, key);
      }
    }
  }

  async stop(): Promise<void> {
    await this.#monitor.stop();
    await this.#scheduler.settled();
    await this.#ticking;
  }
}

function countsOf({ listeners, pools, locals }: BalancerConfig) {
  return {
    listeners: listeners.length,
    pools: pools.length,
    backends: pools.reduce((sum, { backends }) => sum + backends.length, 0),
    localRanges: locals.length,
  };
}
