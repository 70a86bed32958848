/** Which backend a connection goes to: schedules are control's, here they are walked as the kernel's engine walks them. */
import type { Endpoint, Ipv4Address } from '../../packet/address.ts';
import {
  SCHEDULE_WEIGHT_SHIFT,
  type Backend,
  type Pool,
  type Sticky,
  type StickyKey,
} from '../binding/contract.ts';
import { mix } from '../model/ports.ts';

export type ChoiceMaps = {
  readonly pools: { get(index: number): Pool };
  readonly schedule: { get(index: number): number };
  readonly backends: { get(index: number): Backend };
  readonly backendLimits: { get(index: number): number };
  readonly backendLive: { get(index: number): number };
  readonly stickyClients: {
    get(key: StickyKey): Sticky | undefined;
    set(key: StickyKey, value: Sticky): void;
  };
};

export type Wanted = {
  /** Index of the pool. */
  readonly pool: number;
  readonly client: Endpoint;
  /** Backends that did not answer this connection. */
  readonly tried: ReadonlySet<number>;
  readonly nowNs: number;
};

type Candidate = { readonly backend: number; readonly weight: number; readonly step: number };

/** Positions of a schedule looked at for a backend below its limit. */
const TRIES = 256;
/** ... and for the one with the fewest connections. */
const LEAST_OF = 64;
const NS_PER_SECOND = 1e9;
const INDEX_MASK = 2 ** SCHEDULE_WEIGHT_SHIFT - 1;

export class Chooser {
  readonly #maps: ChoiceMaps;
  readonly #cursors = new Map<number, number>();

  constructor(maps: ChoiceMaps) {
    this.#maps = maps;
  }

  /** The index of the backend that the client comes back to, or that the schedule gives. */
  choose(wanted: Wanted): number | 'reset-no-backend' | 'reset-backend-limit' {
    const pool = this.#maps.pools.get(wanted.pool);
    if (pool.stickyBits === 0) return this.#search(pool, wanted);
    const network = networkOf(wanted.client.address, pool.stickyBits);
    const key = { pool: wanted.pool, network };
    const chosen = this.#known(key, wanted) ?? this.#search(pool, wanted);
    if (typeof chosen === 'number') this.#remember(key, chosen, pool, wanted.nowNs);
    return chosen;
  }

  #known(key: StickyKey, { tried, nowNs }: Wanted): number | undefined {
    const known = this.#maps.stickyClients.get(key);
    if (known === undefined || Number(known.untilNs) <= nowNs) return undefined;
    const { backend } = known;
    const { addr, port, used, out } = this.#maps.backends.get(backend);
    const isSame = used && addr === known.addr && port === known.port;
    return isSame && !out && !tried.has(backend) && !this.#isFull(backend) ? backend : undefined;
  }

  #remember(key: StickyKey, backend: number, { stickySeconds }: Pool, nowNs: number): void {
    const { addr, port } = this.#maps.backends.get(backend);
    const untilNs = BigInt(Math.round(nowNs + stickySeconds * NS_PER_SECOND));
    this.#maps.stickyClients.set(key, { untilNs, addr, port, backend });
  }

  #search(pool: Pool, wanted: Wanted): number | 'reset-no-backend' | 'reset-backend-limit' {
    const [offset, length] = [Number(pool.table >> 32n), Number(pool.table & 0xffff_ffffn)];
    if (length === 0) return 'reset-no-backend';
    const hash = hashOf(pool, wanted.client);
    const first = (hash ?? (this.#cursors.get(wanted.pool) ?? -1) + 1) % length;
    const isLeast = pool.select === 'least-connections';
    let [best, metFull]: [Candidate | undefined, boolean] = [undefined, false];
    for (let step = 0; step < Math.min(length, TRIES); step++) {
      if (best !== undefined && (!isLeast || step >= LEAST_OF)) break;
      const entry = this.#maps.schedule.get(offset + ((first + step) % length));
      const [backend, weight] = [entry & INDEX_MASK, entry >>> SCHEDULE_WEIGHT_SHIFT];
      if (wanted.tried.has(backend) || !this.#maps.backends.get(backend).used) continue;
      const candidate = { backend, weight, step };
      if (this.#isFull(backend)) metFull = true;
      else if (best === undefined || this.#loadOf(candidate) < this.#loadOf(best)) best = candidate;
    }
    // The share of one that is full is everyone's, not its neighbour's.
    if (hash === undefined)
      this.#cursors.set(wanted.pool, first + (isLeast ? 0 : (best?.step ?? 0)));
    return best?.backend ?? (metFull ? 'reset-backend-limit' : 'reset-no-backend');
  }

  /** With this connection, for its weight. */
  #loadOf({ backend, weight }: Candidate): number {
    return (this.#maps.backendLive.get(backend) + 1) / Math.max(1, weight);
  }

  #isFull(backend: number): boolean {
    const most = this.#maps.backendLimits.get(backend);
    return most > 0 && this.#maps.backendLive.get(backend) >= most;
  }
}

/** The connection's place in the table, where that does not depend on those before it. */
function hashOf({ select, seed }: Pool, { address, port }: Endpoint): number | undefined {
  const hash = mix((address ^ seed) >>> 0);
  switch (select) {
    case 'source-hash':
      return hash;
    case 'connection-hash':
      return mix((hash ^ port) >>> 0);
    case 'round-robin':
    case 'least-connections':
      return undefined;
  }
}

/** The first address of those that have the same first bits. */
function networkOf(address: Ipv4Address, bits: number): number {
  const rest = 2 ** (32 - bits);
  return Math.floor(address / rest) * rest;
}
