/** The balancer's kernel maps as the reconciler sees them: a test has its own in memory. */
import type { Ipv4Address } from '../../packet/address.ts';
import type {
  Backend,
  Endpoint4,
  Listener,
  Local,
  LocalPair,
  LocalPorts,
  Pool,
  Settings,
} from '../../datapath/binding/contract.ts';

export interface Table<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): boolean;
  keys(): Iterable<K>;
}

export interface List<V> {
  readonly length: number;
  get(index: number): V;
  set(index: number, value: V): void;
}

export interface Run<V> {
  readonly length: number;
  get(index: number): V;
  setMany(first: number, values: readonly V[]): Promise<void>;
}

export interface Counters {
  clear(index: number): void;
}

export interface ReconciledMaps {
  readonly settings: List<Settings>;
  readonly listeners: Table<Endpoint4, Listener>;
  readonly pools: List<Pool>;
  readonly schedule: Run<number>;
  readonly backends: List<Backend>;
  readonly locals: List<Local>;
  readonly localsByAddr: Table<Ipv4Address, number>;
  readonly localPorts: Table<LocalPair, LocalPorts>;
  readonly listenerTraffic: Counters;
  readonly backendTraffic: Counters;
  readonly listenerLive: List<number>;
  readonly backendLive: List<number>;
}
