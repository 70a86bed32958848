/** `PATCH /v1/backends/{backend}`: a backend is changed beside the file, in one pool or in all that have it. */
import { formatEndpoint } from '../../packet/address.ts';
import { ApiError } from '../api/api-error.ts';
import { nearest } from '../config/suggest.ts';
import type { DrainWish } from '../api/rows.ts';
import type { BalancerConfig, DrainConfig } from '../config/balancer.ts';
import type { BackendName, Drain, RuntimeStore, Wish } from '../state/runtime.ts';

type Found = BackendName & { readonly weight: number };
/** Of a pool that nobody has any more. */
const KEEP: DrainConfig = { durationMs: 0, afterwards: 'keep' };
type Asked = { readonly backend?: string; readonly pool?: string };

export type BackendWish = {
  readonly weight?: number | null | undefined;
  readonly drain?: DrainWish | null | undefined;
};

export function changeBackend(
  wanted: BalancerConfig,
  runtime: RuntimeStore,
  asked: Asked,
  wish: BackendWish,
  by: string,
  nowMs: number = Date.now(),
) {
  const found = findBackends(wanted, asked);
  const before = found.map((one) => valueOf(one, runtime));
  for (const pool of new Set(found.map((one) => one.pool))) {
    const names = found.filter((one) => one.pool === pool);
    const policy = wanted.pools.find(({ name }) => name === pool)?.drain ?? KEEP;
    runtime.set(names, storedWish(wish, policy, nowMs), by);
  }
  const changed = found.map((one) => valueOf(one, runtime));
  const difference = changed.flatMap((now, i) => differences(before[i], now));
  return { value: { changed }, difference };
}

/** The whole balancer, by the longest of its pools' drains where nothing else is said. */
export function drainAll(
  { pools }: BalancerConfig,
  runtime: RuntimeStore,
  wish: DrainWish,
  nowMs: number = Date.now(),
) {
  const policies = pools.map(({ drain }) => drain);
  const policy = policies.toSorted((a, b) => b.durationMs - a.durationMs)[0] ?? KEEP;
  const drain = drainOf(wish, policy, nowMs);
  runtime.setDrainAll(drain);
  return { value: { drain }, difference: [`drain: ${drainText(drain)}`] };
}

export function undrainAll(runtime: RuntimeStore) {
  const before = runtime.drainAll;
  runtime.setDrainAll(undefined);
  return { value: { drain: null }, difference: before === undefined ? [] : ['drain: none'] };
}

/** By name or address; throws ApiError, with the nearest name, where there is none. */
export function findBackends({ pools }: BalancerConfig, { backend = '', pool }: Asked): Found[] {
  if (pool !== undefined && !pools.some(({ name }) => name === pool))
    throw new ApiError(
      404,
      `there is no pool '${pool}'${hint(
        pool,
        pools.map(({ name }) => name),
      )}`,
    );
  const found = pools
    .filter(({ name }) => pool === undefined || name === pool)
    .flatMap(({ name, backends }) =>
      backends
        .filter((one) => one.name === backend || formatEndpoint(one.address) === backend)
        .map(({ address, weight }) => ({ pool: name, backend: formatEndpoint(address), weight })),
    );
  if (found.length > 0) return found;
  const where = pool === undefined ? 'no pool has' : `pool '${pool}' has no`;
  const names = pools.flatMap(({ backends }) => backends.map(({ name }) => name));
  throw new ApiError(404, `${where} backend '${backend}'${hint(backend, names)}`);
}

function valueOf({ pool, backend, weight }: Found, runtime: RuntimeStore) {
  const change = runtime.of(pool, backend);
  return { pool, backend, weight: change?.weight ?? weight, drain: change?.drain ?? null };
}

type Value = ReturnType<typeof valueOf>;

function differences(before: Value | undefined, { pool, backend, weight, drain }: Value): string[] {
  const path = `pools.${pool}.backends.${backend}`;
  const [was, is] = [drainText(before?.drain ?? null), drainText(drain)];
  return [
    ...(weight === before?.weight ? [] : [`${path} weight: ${before?.weight} → ${weight}`]),
    ...(was === is ? [] : [`${path} drain: ${was} → ${is}`]),
  ];
}

function storedWish({ weight, drain }: BackendWish, policy: DrainConfig, nowMs: number): Wish {
  return {
    ...(weight === undefined ? {} : { weight }),
    ...(drain === undefined
      ? {}
      : { drain: drain === null ? null : drainOf(drain, policy, nowMs) }),
  };
}

function drainOf({ forSeconds, afterwards }: DrainWish, policy: DrainConfig, nowMs: number): Drain {
  const durationMs = forSeconds === undefined ? policy.durationMs : forSeconds * 1_000;
  return {
    since: new Date(nowMs).toISOString(),
    until: new Date(nowMs + durationMs).toISOString(),
    afterwards: afterwards ?? policy.afterwards,
  };
}

function drainText(drain: Drain | null): string {
  if (drain === null) return 'none';
  return `until ${drain.until ?? 'it is taken back'}, then ${drain.afterwards}`;
}

function hint(text: string, known: readonly string[]): string {
  const close = nearest(text, known);
  return close === undefined ? '' : `; did you mean '${close}'?`;
}
