/** Keeps each pool's table in step with the health of its backends, and with what people say of them. */
import type { BackendConfig, BalancerConfig, PoolConfig } from '../config/balancer.ts';
import type { Log } from '../daemon/log.ts';
import type { Health } from '../health/state.ts';
import { chooseCandidates } from '../schedule/candidates.ts';
import { scheduleOf, type Schedule } from '../schedule/schedule.ts';
import { SLOW_START_STEPS, tenthsAfter } from '../schedule/slow-start.ts';
import { keyOf, type EndpointKey } from './desired.ts';
import type { Indices } from './indices.ts';

export type SchedulerParts = {
  readonly tables: {
    readonly indices: Indices;
    writeSchedule(pool: PoolConfig, schedule: Schedule): Promise<void>;
  };
  readonly healthOf: (pool: string, backend: string) => Health;
  /** Takes no new connections, whatever its checks say. */
  readonly isDrained: (pool: string, backend: string) => boolean;
  /** Before a table of all backends is written, or one of those that are up again. */
  readonly onPanic?: (pool: string) => void;
  /** Never jumps. */
  readonly steadyMs: () => number;
  readonly log: Pick<Log, 'error' | 'warn' | 'info'>;
};

/** After a table found no room: until then runs that rest have become free. */
const RETRY_MS = 1_000;

export class Scheduler {
  readonly #parts: SchedulerParts;
  #config: BalancerConfig;
  readonly #pending = new Set<string>();
  /** By pool and backend: when it came up, while it is given less than its weight. */
  readonly #rising = new Map<string, number>();
  /** Pools whose table will be written again for the next step. */
  readonly #due = new Set<string>();
  readonly #panicking = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: SchedulerParts, config: BalancerConfig) {
    this.#parts = parts;
    this.#config = config;
  }

  /** The pool's table; empty when no backend may be used. */
  scheduleOf(name: string, indices: Indices): Schedule {
    const pool = this.#poolOf(name);
    if (pool === undefined) return { select: 'round-robin', entries: [] };
    const { healthOf, isDrained } = this.#parts;
    const backends = pool.backends.map((backend) => {
      const key = keyOf(backend.address);
      const weight = isDrained(name, key) ? 0 : backend.weight;
      const { isUsed } = healthOf(name, key);
      return { name: key, weight, isBackup: backend.backup, isWell: isUsed };
    });
    const { chosen, isPanic } = chooseCandidates(backends, pool.panicThreshold);
    this.#notePanic(name, isPanic);
    const tenths = chosen.map((backend) => this.#tenthsOf(pool, backend.name));
    const isWhole = tenths.every((part) => part === SLOW_START_STEPS);
    return scheduleOf(
      pool.scheduler,
      chosen.map(({ name: key, weight }, i) => ({
        name: key,
        index: indices.backends.get(key) ?? 0,
        weight: isWhole ? weight : weight * (tenths[i] ?? SLOW_START_STEPS),
      })),
    );
  }

  /** One write at a time; changes that come together become one. */
  update(pool: string): void {
    if (this.#pending.has(pool)) return;
    this.#pending.add(pool);
    this.#writing = this.#writing.then(() => this.#write(pool));
  }

  /** A backend is used again: it begins with a tenth of its weight, where its pool says so. */
  rise(pool: string, backend: EndpointKey): void {
    if ((this.#poolOf(pool)?.slowStartMs ?? 0) > 0)
      this.#rising.set(idOf(pool, backend), this.#parts.steadyMs());
    this.update(pool);
  }

  /**
   * Runs `apply`, which brings the tables to another configuration, while nothing else writes
   * them; what changes meanwhile is written after it. If it fails, the old one goes on.
   */
  change(config: BalancerConfig, apply: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(async () => {
      const old = this.#config;
      this.#config = config;
      try {
        this.#raiseNew(old);
        await apply();
        for (const { name } of config.pools) this.#comeBackFor(name);
      } catch (error) {
        this.#config = old;
        throw error;
      }
    });
    this.#writing = done.catch(() => {});
    return done;
  }

  /** Weights are other ones, and nothing else: tables are written by `update`. */
  use(config: BalancerConfig): void {
    this.#writing = this.#writing.then(() => void (this.#config = config));
  }

  /** Resolves when everything asked for is written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  /** Are all of its backends used, because too few are up? */
  isPanicking(pool: string): boolean {
    return this.#panicking.has(pool);
  }

  #poolOf(name: string): PoolConfig | undefined {
    return this.#config.pools.find((pool) => pool.name === name);
  }

  async #write(name: string): Promise<void> {
    const { tables, log } = this.#parts;
    this.#pending.delete(name);
    const pool = this.#poolOf(name);
    if (pool === undefined) return;
    try {
      await tables.writeSchedule(pool, this.scheduleOf(name, tables.indices));
      this.#comeBackFor(name);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log.error(
        { pool: name, error: message },
        'the table of a pool could not be written; trying again',
      );
      setTimeout(() => this.update(name), RETRY_MS).unref();
    }
  }

  /** A backend that an existing pool did not have before comes up like one that was down. */
  #raiseNew(old: BalancerConfig): void {
    for (const { name, slowStartMs, backends } of this.#config.pools) {
      const before = old.pools.find((pool) => pool.name === name);
      if (slowStartMs === 0 || before === undefined || before.backends === backends) continue;
      const known = new Set(before.backends.map(addressOf));
      for (const backend of backends)
        if (!known.has(addressOf(backend)))
          this.#rising.set(idOf(name, addressOf(backend)), this.#parts.steadyMs());
    }
  }

  #tenthsOf({ name, slowStartMs }: PoolConfig, backend: EndpointKey): number {
    const id = idOf(name, backend);
    const sinceMs = this.#rising.get(id);
    if (sinceMs === undefined) return SLOW_START_STEPS;
    const tenths = tenthsAfter(this.#parts.steadyMs() - sinceMs, slowStartMs);
    if (tenths === SLOW_START_STEPS) this.#rising.delete(id);
    return tenths;
  }

  /** While a backend of the pool rises, its table is written for each step. */
  #comeBackFor(pool: string): void {
    const slowStartMs = this.#poolOf(pool)?.slowStartMs ?? 0;
    const isRising = [...this.#rising.keys()].some((id) => id.startsWith(idOf(pool, '')));
    if (!isRising || this.#due.has(pool)) return;
    this.#due.add(pool);
    const next = () => {
      this.#due.delete(pool);
      this.update(pool);
    };
    setTimeout(next, Math.max(1, slowStartMs / SLOW_START_STEPS)).unref();
  }

  #notePanic(pool: string, isPanic: boolean): void {
    if (isPanic === this.#panicking.has(pool)) return;
    if (isPanic) {
      this.#panicking.add(pool);
      this.#parts.log.warn({ pool }, 'too few backends are up: all of the pool are used');
    } else {
      this.#panicking.delete(pool);
      this.#parts.log.info({ pool }, 'enough backends are up again');
    }
    this.#parts.onPanic?.(pool);
  }
}

function addressOf({ address }: BackendConfig): EndpointKey {
  return keyOf(address);
}

function idOf(pool: string, backend: string): string {
  return `${pool} ${backend}`;
}
