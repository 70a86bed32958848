/** Addresses that would get in each other's way: listeners, locals, backends, servers. */
import {
  formatAddressRange,
  rangeContains,
  type AddressRange,
} from '../../../packet/address-range.ts';
import {
  formatEndpoint,
  formatIpv4Address,
  type Endpoint,
  type Ipv4Address,
} from '../../../packet/address.ts';
import {
  anyEndpoint,
  anyRange,
  formatIpAddress,
  formatIpRange,
  type IpEndpoint,
  type IpRange,
} from '../../../packet/ip.ts';
import type { BalancerConfig } from '../balancer.ts';
import type { Path, Problem } from '../problem.ts';
import type { Check } from './check.ts';

/** Replies to a local and requests to a listener must be told apart by address. */
export const listenerIsLocal: Check<BalancerConfig> = ({ listeners, locals }) =>
  listeners.flatMap(({ address: { address } }, i) =>
    inside(address, locals).map((range) => ({
      path: ['listeners', i, 'address'],
      message:
        `listener address ${formatIpv4Address(address)} is also a local ` +
        `(${formatAddressRange(range)}); the two must be different addresses`,
    })),
  );

export const backendInLocals: Check<BalancerConfig> = ({ pools, locals }) =>
  pools.flatMap(({ backends }, pool) =>
    backends.flatMap(({ address: { address } }, i) =>
      inside(address, locals).map((range) => ({
        path: ['pools', pool, 'backends', i, 'address'],
        message:
          `backend ${formatIpv4Address(address)} lies inside the locals ` +
          `${formatAddressRange(range)}; a local belongs to the balancer alone`,
      })),
    ),
  );

/** What we send to such a backend would come back to us as a new connection. */
export const backendIsListener: Check<BalancerConfig> = ({ pools, listeners }) => {
  const own = new Set(listeners.map(({ address }) => formatEndpoint(address)));
  return pools.flatMap(({ backends }, pool) =>
    backends.flatMap(({ address }, i): Problem[] =>
      own.has(formatEndpoint(address))
        ? [
            {
              path: ['pools', pool, 'backends', i, 'address'],
              message: `backend ${formatEndpoint(address)} is a listener of this file: connections would go in circles`,
            },
          ]
        : [],
    ),
  );
};

export const overlappingLocals: Check<BalancerConfig> = ({ locals }) =>
  overlaps(
    locals.map(({ addresses }) => addresses),
    (i) => ['locals', i, 'addresses'],
  );

/** Both modes of the agent; socket mode knows both families. */
type Trusting = {
  readonly trustedLocals: readonly (AddressRange | IpRange)[];
  readonly servers: readonly { readonly address: Endpoint | IpEndpoint }[];
};

export const overlappingTrusted: Check<Trusting> = ({ trustedLocals }) =>
  overlaps(trustedLocals, (i) => ['trustedLocals', i]);

/** A local is the balancer's; a server that has one would be taken for the balancer. */
export const serverIsTrusted: Check<Trusting> = ({ servers, trustedLocals }) =>
  servers.flatMap(({ address: endpoint }, i) => {
    const { address } = anyEndpoint(endpoint);
    return trustedLocals
      .map(anyRange)
      .filter(({ first, last }) => first <= address && address <= last)
      .map((range) => ({
        path: ['servers', i, 'address'],
        message:
          `server ${formatIpAddress(address)} lies inside trustedLocals ` +
          `${formatIpRange(range)}; those are the balancer's addresses`,
      }));
  });

function overlaps(
  ranges: readonly (AddressRange | IpRange)[],
  pathOf: (i: number) => Path,
): Problem[] {
  const all = ranges.map(anyRange);
  return all.flatMap((range, i) => {
    const other = all
      .slice(0, i)
      .find(({ first, last }) => first <= range.last && range.first <= last);
    if (other === undefined) return [];
    return [
      {
        path: pathOf(i),
        message: `${formatIpRange(range)} overlaps ${formatIpRange(other)} above; each address may be given once`,
      },
    ];
  });
}

function inside(address: Ipv4Address, locals: BalancerConfig['locals']): AddressRange[] {
  return locals.map(({ addresses }) => addresses).filter((range) => rangeContains(range, address));
}
