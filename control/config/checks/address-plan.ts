/** Addresses that would get in each other's way: listeners, locals, backends, servers. */
import {
  formatAddressRange,
  rangeContains,
  rangesOverlap,
  type AddressRange,
} from '../../../packet/address-range.ts';
import {
  formatEndpoint,
  formatIpv4Address,
  type Endpoint,
  type Ipv4Address,
} from '../../../packet/address.ts';
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

type Trusting = {
  readonly trustedLocals: readonly AddressRange[];
  readonly servers: readonly { readonly address: Endpoint }[];
};

export const overlappingTrusted: Check<Trusting> = ({ trustedLocals }) =>
  overlaps(trustedLocals, (i) => ['trustedLocals', i]);

/** A local is the balancer's; a server that has one would be taken for the balancer. */
export const serverIsTrusted: Check<Trusting> = ({ servers, trustedLocals }) =>
  servers.flatMap(({ address: { address } }, i) =>
    trustedLocals
      .filter((range) => rangeContains(range, address))
      .map((range) => ({
        path: ['servers', i, 'address'],
        message:
          `server ${formatIpv4Address(address)} lies inside trustedLocals ` +
          `${formatAddressRange(range)}; those are the balancer's addresses`,
      })),
  );

function overlaps(ranges: readonly AddressRange[], pathOf: (i: number) => Path): Problem[] {
  return ranges.flatMap((range, i) => {
    const earlier = ranges.findIndex((other, j) => j < i && rangesOverlap(other, range));
    const other = ranges[earlier];
    if (other === undefined) return [];
    return [
      {
        path: pathOf(i),
        message: `${formatAddressRange(range)} overlaps ${formatAddressRange(other)} above; each address may be given once`,
      },
    ];
  });
}

function inside(address: Ipv4Address, locals: BalancerConfig['locals']): AddressRange[] {
  return locals.map(({ addresses }) => addresses).filter((range) => rangeContains(range, address));
}
