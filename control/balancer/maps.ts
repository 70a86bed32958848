/** The kernel maps that the balancer's configuration decides. */
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
import type { Counters, List, Run, Table } from '../daemon/maps.ts';

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
