/** The health of every backend of every pool, and the checks that keep it known. */
import { formatEndpoint, type Endpoint } from '../../packet/address.ts';
import type { HealthConfig, PoolConfig } from '../config/balancer.ts';
import { checkRepeatedly, type CheckerParts } from './check.ts';
import { checking, unchecked, type Health } from './state.ts';

export type MonitorParts = Omit<CheckerParts, 'onHealth'> & {
  /** After each change of a backend's state. */
  readonly onChange: (change: HealthChange) => void;
};

export type HealthChange = {
  readonly pool: string;
  readonly backend: Endpoint;
  readonly before: Health;
  readonly after: Health;
};

export class HealthMonitor {
  readonly #parts: MonitorParts;
  readonly #pools: readonly PoolConfig[];
  readonly #health = new Map<string, Map<string, Health>>();

  /** `outOfUse` says which backends of a pool, as `a.b.c.d:port`, a daemon before had found down. */
  constructor(
    parts: MonitorParts,
    pools: readonly PoolConfig[],
    outOfUse: ReadonlyMap<string, ReadonlySet<string>> = new Map(),
  ) {
    this.#parts = parts;
    this.#pools = pools;
    const nowMs = parts.clock.nowMs();
    for (const { name, health, backends } of pools) {
      const states = backends.map(({ address }): [string, Health] => {
        const key = formatEndpoint(address);
        const isUsed = outOfUse.get(name)?.has(key) !== true;
        return [key, health.kind === 'off' ? unchecked(nowMs) : checking(nowMs, isUsed)];
      });
      this.#health.set(name, new Map(states));
    }
  }

  of(pool: string, backend: string): Health {
    const health = this.#health.get(pool)?.get(backend);
    if (health === undefined) throw new RangeError(`pool ${pool} has no backend ${backend}`);
    return health;
  }

  /** Resolves when the signal has aborted and every check has ended. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#pools.flatMap(({ name, health, backends }) =>
        health.kind === 'off'
          ? []
          : backends.map(({ address }) => this.#check(name, address, health, signal)),
      ),
    );
  }

  #check(
    pool: string,
    target: Endpoint,
    config: Extract<HealthConfig, { kind: 'tcp' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const key = formatEndpoint(target);
    const onHealth = (after: Health) => {
      const before = this.of(pool, key);
      this.#health.get(pool)?.set(key, after);
      if (before.state !== after.state)
        this.#parts.onChange({ pool, backend: target, before, after });
    };
    const { connect, clock, random } = this.#parts;
    const options = { target, ...config };
    return checkRepeatedly(
      { connect, clock, random, onHealth },
      options,
      this.of(pool, key),
      signal,
    );
  }
}
