/** The kernel maps that the balancer's configuration decides. */
import type { Ipv4Address } from '../../packet/address.ts';
import type {
  Access,
  AccessPrefix4,
  Admission,
  Backend,
  Endpoint4,
  Listener,
  Local,
  LocalPair,
  LocalPorts,
  Pool,
  Protection,
  Settings,
} from '../../datapath/binding/contract.ts';
import type { Counters, List, Run, Table } from '../daemon/maps.ts';

/** The prefixes of all lists; many, so that they are read and written in batches. */
export interface PrefixTable {
  entries(): AsyncIterable<readonly (readonly [AccessPrefix4, Access])[]>;
  setMany(entries: readonly (readonly [AccessPrefix4, Access])[]): Promise<void>;
  delete(key: AccessPrefix4): boolean;
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
  readonly admissions: List<Admission>;
  readonly accessPrefixes: PrefixTable;
  readonly listenerBuckets: List<bigint>;
  readonly protections: List<Protection>;
  readonly clientSeats: { readonly length: number };
  readonly backendLimits: List<number>;
  readonly backendEnds: List<bigint>;
  readonly listenerTraffic: Counters;
  readonly listenerOutcomes: Counters;
  readonly backendTraffic: Counters;
  readonly listenerLive: List<number>;
  readonly backendLive: List<number>;
}
