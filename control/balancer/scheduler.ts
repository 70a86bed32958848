/** Keeps each pool's table in step with the health of its backends. */
import type { BalancerConfig } from '../config/balancer.ts';
import type { Log } from '../daemon/log.ts';
import type { Health } from '../health/state.ts';
import { weightedRoundRobin } from '../schedule/weighted-round-robin.ts';
import { keyOf } from './desired.ts';
import type { Indices } from './indices.ts';

export type SchedulerParts = {
  readonly tables: {
    readonly indices: Indices;
    writeSchedule(pool: string, entries: readonly number[]): Promise<void>;
  };
  readonly healthOf: (pool: string, backend: string) => Health;
  readonly log: Pick<Log, 'error'>;
};

/** After a table found no room: until then runs that rest have become free. */
const RETRY_MS = 1_000;

export class Scheduler {
  readonly #parts: SchedulerParts;
  #config: BalancerConfig;
  readonly #pending = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: SchedulerParts, config: BalancerConfig) {
    this.#parts = parts;
    this.#config = config;
  }

  /** Backend indices in the order they are chosen; empty when none may be used. */
  entriesOf(pool: string, indices: Indices): number[] {
    const backends = this.#config.pools.find(({ name }) => name === pool)?.backends ?? [];
    return weightedRoundRobin(
      backends
        .map(({ address, weight }) => ({ key: keyOf(address), weight }))
        .filter(({ key }) => this.#parts.healthOf(pool, key).isUsed)
        .map(({ key, weight }) => ({ index: indices.backends.get(key) ?? 0, weight })),
    );
  }

  /** One write at a time; changes that come together become one. */
  update(pool: string): void {
    if (this.#pending.has(pool)) return;
    this.#pending.add(pool);
    this.#writing = this.#writing.then(() => this.#write(pool));
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
        await apply();
      } catch (error) {
        this.#config = old;
        throw error;
      }
    });
    this.#writing = done.catch(() => {});
    return done;
  }

  /** Resolves when everything asked for is written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #write(pool: string): Promise<void> {
    const { tables, log } = this.#parts;
    this.#pending.delete(pool);
    if (!this.#config.pools.some(({ name }) => name === pool)) return;
    try {
      await tables.writeSchedule(pool, this.entriesOf(pool, tables.indices));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      log.error({ pool, error: message }, 'the table of a pool could not be written; trying again');
      setTimeout(() => this.update(pool), RETRY_MS).unref();
    }
  }
}
