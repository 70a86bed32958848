/** Weights and drains that people set beside the balancer's file. */
import type { BalancerConfig } from '../config/balancer.ts';
import type { Drift, DriftRow } from '../reconcile/drift.ts';
import type { BackendChange, Drain, RuntimeStore } from '../state/runtime.ts';
import { keyOf } from './desired.ts';

export function balancerDrift(wanted: () => BalancerConfig, runtime: RuntimeStore): Drift {
  const rows = (): DriftRow[] => {
    const weights = weightsOf(wanted());
    const all = runtime.drainAll;
    return [
      ...(all === undefined
        ? []
        : [{ path: 'drain', file: 'none', now: drainText(all), by: '', at: all.since }]),
      ...runtime.all().flatMap((change) => rowsOf(change, weights)),
    ];
  };
  return {
    rows,
    takeBack: () => {
      const before = rows();
      runtime.takeBackAll();
      return before;
    },
  };
}

function rowsOf(change: BackendChange, weights: ReadonlyMap<string, number>): DriftRow[] {
  const { pool, backend, weight, drain, by, at } = change;
  const path = `pools.${pool}.backends.${backend}`;
  const file = String(weights.get(`${pool} ${backend}`) ?? 'gone');
  return [
    ...(weight === undefined || String(weight) === file
      ? []
      : [{ path: `${path}.weight`, file, now: String(weight), by, at }]),
    ...(drain === undefined
      ? []
      : [{ path: `${path}.drain`, file: 'none', now: drainText(drain), by, at }]),
  ];
}

function weightsOf({ pools }: BalancerConfig): ReadonlyMap<string, number> {
  return new Map(
    pools.flatMap(({ name, backends }) =>
      backends.map(({ address, weight }) => [`${name} ${keyOf(address)}`, weight] as const),
    ),
  );
}

function drainText({ since, until }: Drain): string {
  return until === null ? `since ${since}` : `since ${since} until ${until}`;
}
