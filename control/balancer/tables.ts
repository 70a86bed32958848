/**
 * Brings the kernel's maps to what the configuration asks, in an order in which every
 * packet finds either the old or the new state whole: a listener is removed before what
 * it points to, and written after it.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { BalancerConfig, PoolConfig } from '../config/balancer.ts';
import type {
  Endpoint4,
  LocalPair,
  Pool,
  Protection,
  Settings,
} from '../../datapath/binding/contract.ts';
import { breather } from '../daemon/breath.ts';
import type { References } from '../daemon/references.ts';
import { keptSecret, settingsOf } from '../daemon/settings.ts';
import { indexOfEntry, type Schedule } from '../schedule/schedule.ts';
import {
  accessEntries,
  type AccessEntries,
  admissionValue,
  removeOtherLists,
  writeLists,
  type ListId,
} from './access.ts';
import type { Removed } from './drains.ts';
import { desiredOf, keyOf, listenerValue, TCP, type Desired, type EndpointKey } from './desired.ts';
import { chooseIndices, needsReferences, type Current, type Indices } from './indices.ts';
import type { ReconciledMaps } from './maps.ts';
import { packTable, ScheduleSpace, unpackTable, type Extent } from './schedule-space.ts';

export type TablesParts = {
  readonly maps: ReconciledMaps;
  /** Asked only when an index may have to be given to something new. */
  readonly findReferences: () => Promise<References>;
  readonly nowMs: () => number;
  readonly randomSecret: () => Settings['secret'];
};

const NO_POOL: Pool = {
  table: 0n,
  select: 'round-robin',
  stickyBits: 0,
  stickySeconds: 0,
  localsFirst: 0,
  localsCount: 0,
  seed: 0,
};
const NO_PROTECTION: Protection = {
  opening: 0,
  active: 0,
  lastCookie: 0,
  periodStart: 0,
  sent: 0,
  accepted: 0,
};

export class Tables {
  readonly #parts: TablesParts;
  readonly #space: ScheduleSpace;
  /** Whether it knows what an earlier daemon left in use. */
  #isSpaceKnown = false;
  /** By offset in `schedule`. */
  readonly #written = new Map<number, readonly number[]>();
  #indices: Indices = { listeners: new Map(), pools: new Map(), backends: new Map(), locals: [] };

  constructor(parts: TablesParts) {
    this.#parts = parts;
    this.#space = new ScheduleSpace(parts.maps.schedule.length, parts.nowMs);
  }

  get indices(): Indices {
    return this.#indices;
  }

  /**
   * Backends that an earlier daemon, or this one under an earlier configuration, had taken
   * out of a pool that goes on. Call before `apply`, which writes new tables.
   */
  async backendsOutOfUse(
    config: BalancerConfig,
  ): Promise<ReadonlyMap<string, ReadonlySet<EndpointKey>>> {
    const { maps } = this.#parts;
    const breathe = breather();
    const current = await readCurrent(maps);
    const poolAt = new Map<string, number>();
    for (const { address, pool } of config.listeners) {
      const known = current.listeners.get(keyOf(address))?.pool;
      if (known !== undefined && !poolAt.has(pool)) poolAt.set(pool, known);
    }
    const out = new Map<string, Set<EndpointKey>>();
    for (const { name, backends } of config.pools) {
      await breathe();
      const pool = poolAt.get(name);
      if (pool === undefined) continue;
      const entries = this.#entriesOf(unpackTable(maps.pools.get(pool).table));
      const scheduled = new Set(entries.map(indexOfEntry));
      const missing = backends
        .filter(({ weight, backup }) => weight > 0 && !backup)
        .map(({ address }) => keyOf(address))
        .filter((key) => {
          const known = current.backends.get(key);
          return known?.used === true && !scheduled.has(known.index);
        });
      out.set(name, new Set(missing));
    }
    return out;
  }

  /** `scheduleOf` gives a pool's table, and how it is looked up. */
  async apply(
    config: BalancerConfig,
    scheduleOf: (pool: string, indices: Indices) => Schedule,
  ): Promise<readonly Removed[]> {
    const { maps, findReferences } = this.#parts;
    const desired = desiredOf(config);
    const current = await readCurrent(maps);
    await this.#learnSpace();
    const references = needsReferences(desired, current)
      ? await findReferences()
      : { listeners: new Set<number>(), backends: new Set<number>() };
    const indices = chooseIndices(desired, current, references, {
      listeners: Math.min(maps.listenerLive.length, 0xffff),
      pools: maps.pools.length,
      backends: Math.min(maps.backends.length, 0xffff),
      locals: Math.min(maps.locals.length, 0xffff),
    });

    maps.settings.set(0, this.#settings(config, maps.settings.get(0), indices.locals.length));
    this.#removeListeners(desired);
    const lists = await this.#writeAccessLists(config);
    await this.#writeBackends(desired, indices, current);
    this.#writeLocals(indices, current);
    const breathe = breather();
    for (const pool of config.pools) {
      await breathe();
      await this.#swapSchedule(pool, scheduleOf(pool.name, indices), indices);
    }
    await this.#writeListeners(desired, indices, current, lists);
    const removed = this.#removeRest(desired, indices, current);
    await removeOtherLists(maps.accessPrefixes, new Set(lists.values()));
    this.#indices = indices;
    return removed;
  }

  /** Swaps the whole table of a pool; an empty one refuses every new connection. */
  writeSchedule(pool: PoolConfig, schedule: Schedule): Promise<void> {
    return this.#swapSchedule(pool, schedule, this.#indices);
  }

  async #swapSchedule(
    pool: PoolConfig,
    { select, entries }: Schedule,
    { pools, locals }: Pick<Indices, 'pools' | 'locals'>,
  ): Promise<void> {
    const { maps } = this.#parts;
    const index = indexIn(pools, pool.name);
    const old = maps.pools.get(index);
    const oldRun = unpackTable(old.table);
    const before = this.#entriesOf(oldRun);
    const isSame =
      before.length === entries.length && before.every((entry, i) => entry === entries[i]);
    const value: Pool = {
      ...{ table: old.table, select, localsFirst: 0, localsCount: locals.length },
      stickyBits: pool.persistence?.prefix ?? 0,
      stickySeconds: pool.persistence?.timeoutSeconds ?? 0,
      seed: seedOf(pool, maps.settings.get(0).secret),
    };
    if (isSame && isDeepStrictEqual(value, old)) return;
    const run = isSame ? oldRun : await this.#writeRun(entries);
    this.#markOut(entries, false);
    maps.pools.set(index, { ...value, table: packTable(run) });
    const chosen = new Set(entries.map(indexOfEntry));
    this.#markOut(
      before.filter((entry) => !chosen.has(indexOfEntry(entry))),
      true,
    );
    if (!isSame) this.#space.retire(oldRun);
  }

  /** A backend in several pools is out when the last of them took it out: it then is asked again. */
  #markOut(entries: readonly number[], out: boolean): void {
    const { backends } = this.#parts.maps;
    for (const index of new Set(entries.map(indexOfEntry))) {
      const backend = backends.get(index);
      if (backend.out !== out) backends.set(index, { ...backend, out });
    }
  }

  async #writeRun(entries: readonly number[]): Promise<Extent> {
    const { maps } = this.#parts;
    if (entries.length === 0) return { offset: 0, length: 0 };
    const run = this.#space.allocate(entries.length);
    try {
      await maps.schedule.setMany(run.offset, entries);
    } catch (error) {
      this.#space.retire(run);
      throw error;
    }
    this.#written.set(run.offset, entries);
    return run;
  }

  async #learnSpace(): Promise<void> {
    if (this.#isSpaceKnown) return;
    const { pools } = this.#parts.maps;
    const breathe = breather();
    for (const index of indexesOf(pools)) {
      this.#space.hold(unpackTable(pools.get(index).table));
      await breathe();
    }
    this.#isSpaceKnown = true;
  }

  /** Of runs that this daemon wrote it knows what is there: Maglev's tables are long. */
  #entriesOf({ offset, length }: Extent): readonly number[] {
    const written = this.#written.get(offset);
    if (written?.length === length) return written;
    return Array.from({ length }, (_, i) => this.#parts.maps.schedule.get(offset + i));
  }

  /** The secret of the maps stays: it orders the local ports. */
  #settings(config: BalancerConfig, old: Settings, localCount: number): Settings {
    const clientSets = this.#parts.maps.clientSeats.length;
    const secret = keptSecret(old, this.#parts.randomSecret);
    return settingsOf(config, secret, { localCount, clientSets });
  }

  #removeListeners(desired: Desired): void {
    const { listeners } = this.#parts.maps;
    for (const key of [...listeners.keys()])
      if (!desired.listeners.has(keyOfMap(key))) listeners.delete(key);
  }

  async #writeBackends(desired: Desired, { backends }: Indices, current: Current): Promise<void> {
    const { maps } = this.#parts;
    const breathe = breather();
    const isNew = ([key]: readonly [EndpointKey, unknown]) => !current.backends.has(key);
    const fresh = [...desired.backends].filter(isNew).map(([key]) => indexIn(backends, key));
    await this.#forgetPorts(new Set(fresh));
    for (const [key, { sessionsMax, ...endpoint }] of desired.backends) {
      await breathe();
      const index = indexIn(backends, key);
      const known = current.backends.get(key);
      maps.backendLimits.set(index, sessionsMax);
      if (known?.used === true) continue;
      maps.backendEnds.set(index, 0n); // it is back before its drain was over, or is another one
      if (known === undefined) {
        maps.backendTraffic.clear(index);
        maps.backendLive.set(index, 0);
      }
      maps.backends.set(index, { ...endpoint, used: true, out: true });
    }
  }

  #writeLocals({ locals }: Indices, current: Current): void {
    const { maps } = this.#parts;
    locals.forEach((local, index) => {
      const old = maps.locals.get(index);
      const isSame = old.portLow === local.portLow && old.portHigh === local.portHigh;
      if (current.locals.get(local.addr) === index && isSame) return;
      maps.locals.set(index, local);
      maps.localsByAddr.set(local.addr, index);
    });
  }

  async #writeAccessLists({ accessLists }: BalancerConfig): Promise<ReadonlyMap<string, ListId>> {
    const { maps } = this.#parts;
    const lists: (AccessEntries & { readonly name: string })[] = [];
    for (const list of accessLists) lists.push({ name: list.name, ...(await accessEntries(list)) });
    await writeLists(maps.accessPrefixes, lists);
    return new Map(lists.map(({ name, id }) => [name, id]));
  }

  async #writeListeners(
    desired: Desired,
    { listeners, pools }: Indices,
    current: Current,
    lists: ReadonlyMap<string, ListId>,
  ): Promise<void> {
    const { maps } = this.#parts;
    const breathe = breather();
    for (const [key, config] of desired.listeners) {
      await breathe();
      const index = indexIn(listeners, key);
      if (!current.listeners.has(key)) {
        maps.listenerTraffic.clear(index);
        maps.listenerOutcomes.clear(index);
        maps.listenerLive.set(index, 0);
        maps.listenerBuckets.set(index, 0n);
        maps.protections.set(index, NO_PROTECTION);
      }
      const list = config.access === undefined ? 0n : (lists.get(config.access) ?? 0n);
      maps.admissions.set(index, admissionValue(config, list));
      const { address, port } = config.address;
      const value = listenerValue(config, index, indexIn(pools, config.pool));
      maps.listeners.set({ addr: address, port, protocol: TCP }, value);
    }
  }

  /** What no packet is led to any more. A backend keeps its place: its sessions go on. */
  #removeRest(desired: Desired, { pools, locals }: Indices, current: Current): Removed[] {
    const { maps } = this.#parts;
    const wantedPools = new Set(pools.values());
    for (const index of indexesOf(maps.pools)) {
      const pool = maps.pools.get(index);
      if (wantedPools.has(index) || pool.localsCount === 0) continue;
      this.#space.retire(unpackTable(pool.table));
      maps.pools.set(index, NO_POOL);
    }
    const removed = [...current.backends]
      .filter(([key, { used }]) => used && !desired.backends.has(key))
      .map(([backend, { index }]) => ({ backend, index }));
    for (const { index } of removed)
      maps.backends.set(index, { ...maps.backends.get(index), used: false, out: true });
    const wantedLocals = new Set(locals.map(({ addr }) => addr));
    for (const addr of current.locals.keys())
      if (!wantedLocals.has(addr)) maps.localsByAddr.delete(addr);
    return removed;
  }

  /**
   * Only of a backend that no session has and no table gives. An account that a session is
   * counted in must stay: the kernel would count its end in a new one, below zero, and that
   * many ports would seem to be in use for ever. Of a local whose index another one takes,
   * the counts therefore go on.
   */
  async #forgetPorts(backends: ReadonlySet<number>): Promise<void> {
    if (backends.size === 0) return;
    const { localPorts } = this.#parts.maps;
    const breathe = breather();
    const theirs: LocalPair[] = [];
    for (const pair of localPorts.keys()) {
      if (backends.has(pair.backend)) theirs.push(pair);
      await breathe();
    }
    for (const pair of theirs) localPorts.delete(pair);
  }
}

export async function readCurrent(maps: ReconciledMaps): Promise<Current> {
  const breathe = breather();
  const listeners = new Map<EndpointKey, { index: number; pool: number }>();
  for (const key of maps.listeners.keys()) {
    const listener = maps.listeners.get(key);
    if (listener !== undefined) listeners.set(keyOfMap(key), listener);
  }
  const backends = new Map<EndpointKey, { index: number; used: boolean }>();
  for (const index of indexesOf(maps.backends)) {
    await breathe();
    const { addr, port, used } = maps.backends.get(index);
    if (port !== 0) backends.set(keyOf({ address: addr, port }), { index, used });
  }
  const locals = new Map<Endpoint4['addr'], number>();
  for (const addr of maps.localsByAddr.keys()) {
    const index = maps.localsByAddr.get(addr);
    if (index !== undefined) locals.set(addr, index);
  }
  return { listeners, backends, locals };
}

/** Nobody outside can tell where a client goes, and a daemon that starts again sends it there. */
function seedOf({ name, scheduler }: PoolConfig, secret: Settings['secret']): number {
  if (!('hashOn' in scheduler)) return 0;
  const hash = createHash('sha256').update(BigUint64Array.from(secret)).update(name);
  return scheduler.seed ?? hash.digest().readUInt32LE(0);
}

function keyOfMap({ addr, port }: Endpoint4): EndpointKey {
  return keyOf({ address: addr, port });
}

function indexesOf(list: { readonly length: number }): number[] {
  return Array.from({ length: list.length }, (_, index) => index);
}

function indexIn(indices: ReadonlyMap<string, number>, key: string): number {
  const index = indices.get(key);
  if (index === undefined) throw new RangeError(`${key} has no index`);
  return index;
}
