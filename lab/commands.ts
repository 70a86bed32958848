/** What `ip` and `sysctl` are told, line by line, to turn a topology into namespaces. */

import type { End, Role, Topology } from './topology.ts';
import { namespaceName } from './topology.ts';

/** Above the few that the kernel gives to `lo` and the bridges. */
const FIRST_INDEX = 100;

/** For `ip -batch -` in the root namespace: namespaces first, then links between them. */
export function namespaceLines(topology: Topology): string[] {
  return topology.namespaces.map(({ name }) => `netns add ${name}`);
}

/** For `ip -batch -`: devices are created where they belong and never seen elsewhere. */
export function linkLines(topology: Topology): string[] {
  const { instance, mtuBytes } = topology;
  const end = ({ role, device }: End, index: number) =>
    `${device} index ${index} mtu ${mtuBytes} netns ${namespaceName(instance, role)}`;
  // Two ends with the same index look to the kernel like one device that has no peer, and it
  // may then take a second to notice that the link is up, in which a bridge forwards nothing.
  return topology.links.map(
    ({ a, b }, i) =>
      `link add ${end(a, FIRST_INDEX + 2 * i)} type veth peer name ${end(b, FIRST_INDEX + 2 * i + 1)}`,
  );
}

/** For `ip -n NAMESPACE -batch -`: bridges, then links up, then addresses, then routes. */
export function roleLines(topology: Topology, role: Role): string[] {
  const mine = <T extends { role: Role }>(all: readonly T[]) => all.filter((x) => x.role === role);
  const ends = mine(topology.links.flatMap(({ a, b }) => [a, b]));
  return [
    'link set lo up',
    ...mine(topology.bridges).map(
      ({ device }) =>
        `link add ${device} mtu ${topology.mtuBytes} type bridge` +
        ' stp_state 0 forward_delay 0 mcast_snooping 0',
    ),
    ...ends.map(({ device, bridge }) =>
      bridge === undefined ? `link set ${device} up` : `link set ${device} master ${bridge} up`,
    ),
    ...mine(topology.bridges).map(({ device }) => `link set ${device} up`),
    ...mine(topology.addresses).map(({ device, address }) => `addr add ${address} dev ${device}`),
    ...mine(topology.routes).map(({ to, via }) => `route add ${to} via ${via}`),
  ];
}
