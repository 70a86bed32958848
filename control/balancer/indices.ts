/**
 * Gives listeners, pools, backends and locals their indices. What the kernel's maps
 * know already keeps its index, because sessions and counters refer to it; an index
 * whose owner is gone is given away again only when no session refers to it.
 */
import type { Local } from '../../datapath/binding/contract.ts';
import { assign, NoRoomError } from '../daemon/assign.ts';
import type { References } from '../daemon/references.ts';
import type { Desired, EndpointKey } from './desired.ts';

/** What the maps hold. */
export type Current = {
  readonly listeners: ReadonlyMap<EndpointKey, { readonly index: number; readonly pool: number }>;
  /** Also those that are no longer used: their place is kept for a return. */
  readonly backends: ReadonlyMap<EndpointKey, { readonly index: number; readonly used: boolean }>;
  /** By address: the index. */
  readonly locals: ReadonlyMap<Local['addr'], number>;
};

export type Capacities = {
  readonly listeners: number;
  readonly pools: number;
  readonly backends: number;
  readonly locals: number;
};

export type Indices = {
  readonly listeners: ReadonlyMap<EndpointKey, number>;
  readonly pools: ReadonlyMap<string, number>;
  readonly backends: ReadonlyMap<EndpointKey, number>;
  /** By index, without gaps. */
  readonly locals: readonly Local[];
};

export function chooseIndices(
  desired: Desired,
  current: Current,
  references: References,
  capacities: Capacities,
): Indices {
  const heldListeners = new Map([...current.listeners].map(([key, { index }]) => [key, index]));
  const heldBackends = new Map([...current.backends].map(([key, { index }]) => [key, index]));
  const retired = [...current.backends.values()].filter(({ used }) => !used);
  return {
    listeners: assign('listeners', [...desired.listeners.keys()], heldListeners, {
      capacity: capacities.listeners,
      taken: new Set([...heldListeners.values(), ...references.listeners]),
    }),
    pools: assign('pools', desired.pools, heldPools(desired, current), {
      capacity: capacities.pools,
      taken: new Set([...current.listeners.values()].map(({ pool }) => pool)),
    }),
    backends: assign('backends', [...desired.backends.keys()], heldBackends, {
      capacity: capacities.backends,
      taken: new Set(heldBackends.values()),
      lastResort: retired.map(({ index }) => index).filter((i) => !references.backends.has(i)),
    }),
    locals: placeLocals(desired.locals, current.locals, capacities.locals),
  };
}

/** Whether an index may have to be taken from something that sessions could still refer to. */
export function needsReferences(desired: Desired, current: Current): boolean {
  const isNew = (known: ReadonlyMap<string, unknown>) => (key: string) => !known.has(key);
  return (
    [...desired.listeners.keys()].some(isNew(current.listeners)) ||
    [...desired.backends.keys()].some(isNew(current.backends))
  );
}

/**
 * Pools have no name in the kernel: a pool goes on at an index when every listener that
 * stays there wants it. If they part, all get new indices, for until a listener is
 * written it is led to its old one.
 */
function heldPools(desired: Desired, current: Current): Map<string, number> {
  const wantedAt = new Map<number, Set<string>>();
  for (const [key, { pool }] of desired.listeners) {
    const index = current.listeners.get(key)?.pool;
    if (index !== undefined) wantedAt.set(index, (wantedAt.get(index) ?? new Set()).add(pool));
  }
  const held = new Map<string, number>();
  for (const [index, pools] of wantedAt) {
    const [pool] = pools;
    if (pools.size === 1 && pool !== undefined && !held.has(pool)) held.set(pool, index);
  }
  return held;
}

/**
 * The kernel walks locals 0..n-1, so there are no gaps: who has an index below n
 * keeps it, the others fill the holes. A local that moves leaves the accounts of
 * its old sessions (`local_ports`) at its old index until they end; that no tuple
 * is used twice does not depend on them.
 */
function placeLocals(
  wanted: readonly Local[],
  held: ReadonlyMap<Local['addr'], number>,
  capacity: number,
): Local[] {
  if (wanted.length > capacity)
    throw new NoRoomError(
      `there is room for ${capacity} locals in the kernel's maps, and ${wanted.length} are wanted`,
    );
  const placed: (Local | undefined)[] = wanted.map(() => undefined);
  const moving: Local[] = [];
  for (const local of wanted) {
    const index = held.get(local.addr);
    if (index !== undefined && index < placed.length && placed[index] === undefined)
      placed[index] = local;
    else moving.push(local);
  }
  return placed.map((local) => local ?? (moving.shift() as Local));
}
