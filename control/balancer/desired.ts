/** What a configuration asks of the kernel's maps, before any index is chosen. */
import { addressesOf } from '../../packet/address-range.ts';
import { formatEndpoint, type Endpoint } from '../../packet/address.ts';
import type { Backend, Listener, Local } from '../../datapath/binding/contract.ts';
import type { BalancerConfig, ListenerConfig } from '../config/balancer.ts';

/** An endpoint as the key of a JavaScript map. */
export type EndpointKey = string;

export type Desired = {
  readonly locals: readonly Local[];
  readonly pools: readonly string[];
  /** Each once, also when several pools have it: one index, one set of counters. */
  readonly backends: ReadonlyMap<EndpointKey, DesiredBackend>;
  readonly listeners: ReadonlyMap<EndpointKey, ListenerConfig>;
};

/** 0: as many sessions as come. */
export type DesiredBackend = Omit<Backend, 'used' | 'out'> & { readonly sessionsMax: number };

export const TCP = 6;

export function desiredOf(config: BalancerConfig): Desired {
  return {
    locals: config.locals.flatMap(({ addresses, ports }) =>
      [...addressesOf(addresses)].map((addr) => ({
        addr,
        portLow: ports.low,
        portHigh: ports.high,
      })),
    ),
    pools: config.pools.map(({ name }) => name),
    backends: new Map(
      config.pools
        .flatMap(({ backends }) => backends)
        .map(({ address, maxSessions }) => [
          keyOf(address),
          { addr: address.address, port: address.port, sessionsMax: maxSessions },
        ]),
    ),
    listeners: new Map(config.listeners.map((listener) => [keyOf(listener.address), listener])),
  };
}

export function keyOf(endpoint: Endpoint): EndpointKey {
  return formatEndpoint(endpoint);
}

export function listenerValue(config: ListenerConfig, index: number, pool: number): Listener {
  return {
    index,
    pool,
    sessionsMax: config.maxSessions,
    toa: config.toa,
    onUnknown: config.onUnknown,
    onRefused: config.onRefused,
    synProtection: config.synProtection,
  };
}
