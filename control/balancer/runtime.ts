/** A configuration with what people changed beside it. */
import type { BalancerConfig, PoolConfig } from '../config/balancer.ts';
import type { Drain, RuntimeChanges } from '../state/runtime.ts';
import { keyOf } from './desired.ts';

/** What nobody changed is the same object; with `only`, pools of other names are as they are there. */
export function withRuntime(
  config: BalancerConfig,
  runtime: RuntimeChanges,
  only?: { readonly pools: ReadonlySet<string>; readonly in: BalancerConfig },
): BalancerConfig {
  const pools = config.pools.map((pool, i) =>
    only === undefined || only.pools.has(pool.name)
      ? poolWith(pool, runtime)
      : (only.in.pools[i] ?? pool),
  );
  return { ...config, pools };
}

function poolWith(pool: PoolConfig, runtime: RuntimeChanges): PoolConfig {
  const weightOf = (backend: PoolConfig['backends'][number]) =>
    runtime.of(pool.name, keyOf(backend.address))?.weight ?? backend.weight;
  if (pool.backends.every((backend) => weightOf(backend) === backend.weight)) return pool;
  const backends = pool.backends.map((backend) => ({ ...backend, weight: weightOf(backend) }));
  return { ...pool, backends };
}

/** Of the whole balancer, or of the backend in one pool. */
export function drainOf(runtime: RuntimeChanges, pool: string, backend: string): Drain | undefined {
  return runtime.drainAll ?? runtime.of(pool, backend)?.drain;
}
