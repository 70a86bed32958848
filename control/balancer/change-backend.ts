/** `PATCH /v1/backends/{backend}`: a backend is changed beside the file, in one pool or in all that have it. */
import { formatEndpoint } from '../../packet/address.ts';
import { ApiError } from '../api/api-error.ts';
import { nearest } from '../config/suggest.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import type { BackendName, RuntimeStore, Wish } from '../state/runtime.ts';

type Found = BackendName & { readonly weight: number };
type Asked = { readonly backend?: string; readonly pool?: string };

export function changeBackend(
  wanted: BalancerConfig,
  runtime: RuntimeStore,
  asked: Asked,
  wish: Pick<Wish, 'weight'>,
  by: string,
) {
  const found = findBackends(wanted, asked);
  const before = found.map((one) => weightOf(one, runtime));
  runtime.set(found, wish, by);
  const changed = found.map((one) => {
    const { pool, backend } = one;
    return { pool, backend, weight: weightOf(one, runtime) };
  });
  const difference = changed.flatMap(({ pool, backend, weight }, i) =>
    weight === before[i]
      ? []
      : [`pools.${pool}.backends.${backend} weight: ${before[i]} → ${weight}`],
  );
  return { value: { changed }, difference };
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

function weightOf({ pool, backend, weight }: Found, runtime: RuntimeStore): number {
  return runtime.of(pool, backend)?.weight ?? weight;
}

function hint(text: string, known: readonly string[]): string {
  const close = nearest(text, known);
  return close === undefined ? '' : `; did you mean '${close}'?`;
}
