/** Things that may be there only once. */
import { formatEndpoint, type Endpoint } from '../../../packet/address.ts';
import { anyEndpoint, formatIpEndpoint, type IpEndpoint } from '../../../packet/ip.ts';
import type { BalancerConfig } from '../balancer.ts';
import { repeats, type Check } from './check.ts';

export const duplicateListener: Check<BalancerConfig> = ({ listeners }, facts) => [
  ...repeats(listeners, ({ address }) => formatEndpoint(address)).map(
    ({ index, first, element }) => ({
      path: ['listeners', index, 'address'],
      message: `duplicate listener ${formatEndpoint(element.address)}; line ${facts.lineOf(['listeners', first, 'address'])} has it already`,
    }),
  ),
  ...repeats(listeners, ({ name }) => name)
    // Two listeners without names and with one address: said above.
    .filter(({ element }) => element.name !== formatEndpoint(element.address))
    .map(({ index, first, element }) => ({
      path: ['listeners', index, 'name'],
      message: `duplicate listener name '${element.name}'; line ${facts.lineOf(['listeners', first, 'name'])} has it already`,
    })),
];

export const duplicatePool: Check<BalancerConfig> = ({ pools }, facts) =>
  repeats(pools, ({ name }) => name).map(({ index, first, element }) => ({
    path: ['pools', index, 'name'],
    message: `duplicate pool '${element.name}'; line ${facts.lineOf(['pools', first, 'name'])} has it already`,
  }));

export const duplicateBackend: Check<BalancerConfig> = ({ pools }, facts) =>
  pools.flatMap(({ name, backends }, pool) =>
    repeats(backends, ({ address }) => formatEndpoint(address)).map(
      ({ index, first, element }) => ({
        path: ['pools', pool, 'backends', index, 'address'],
        message:
          `duplicate backend ${formatEndpoint(element.address)} in pool '${name}'; ` +
          `line ${facts.lineOf(['pools', pool, 'backends', first])} is the same; give that one a higher weight instead`,
      }),
    ),
  );

export const duplicateServer: Check<{
  readonly servers: readonly { readonly address: Endpoint | IpEndpoint }[];
}> = ({ servers }, facts) =>
  repeats(servers, ({ address }) => formatIpEndpoint(anyEndpoint(address))).map(
    ({ index, first, element }) => ({
      path: ['servers', index, 'address'],
      message: `duplicate server ${formatIpEndpoint(anyEndpoint(element.address))}; line ${facts.lineOf(['servers', first])} is the same`,
    }),
  );

export const duplicateInterface: Check<{ interfaces: readonly (string | { name: string })[] }> = ({
  interfaces,
}) =>
  repeats(interfaces.map(interfaceOf), (name) => name).map(({ index, element }) => ({
    path: ['interfaces', index],
    message: `duplicate interface '${element}'`,
  }));

function interfaceOf(entry: string | { name: string }): string {
  return typeof entry === 'string' ? entry : entry.name;
}
