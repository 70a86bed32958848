/**
 * The interfaces, routes and neighbours that the balancer's rows are written for.
 *
 * Two veth pairs whose far ends are in the same namespace: nothing is ever sent, since
 * a test-run does not carry out a redirect. It does ask the FIB, so the addresses, the
 * permanent neighbours and forwarding must be real. Tried on 6.18: skb->ifindex and
 * ingress_ifindex must both name the interface, and it must be up.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Side } from '../../model/index.ts';
import {
  BACK_MAC,
  BACK_MTU_BYTES,
  BACKEND,
  CLIENT,
  CLIENT_MAC,
  FRONT_MAC,
  FRONT_MTU_BYTES,
  OTHER_BACKEND,
  OTHER_CLIENT,
  SERVER_MAC,
} from '../network.ts';

/** Numbers of our own: /sys shows the interfaces of the namespace it was mounted in. */
export const INTERFACE: Readonly<Record<Side, number>> = { front: 11, back: 12 };

const LINKS = [
  {
    name: 'front',
    index: INTERFACE.front,
    mac: FRONT_MAC,
    mtuBytes: FRONT_MTU_BYTES,
    address: '10.0.88.1/24',
  },
  {
    name: 'back',
    index: INTERFACE.back,
    mac: BACK_MAC,
    mtuBytes: BACK_MTU_BYTES,
    address: '10.0.98.1/24',
  },
] as const;
const NEIGHBOURS = [
  { dev: 'front', lladdr: CLIENT_MAC, of: [CLIENT, OTHER_CLIENT] },
  { dev: 'back', lladdr: SERVER_MAC, of: [BACKEND, OTHER_BACKEND] },
] as const;

/** Builds it in the namespace of this process. */
export function buildTopology(): void {
  const commands = [
    'link set lo up',
    ...LINKS.flatMap(({ name, index, mac, mtuBytes, address }) => [
      `link add ${name} index ${index} address ${mac} mtu ${mtuBytes} type veth peer name ${name}-far mtu ${mtuBytes}`,
      `address add ${address} dev ${name}`,
      `link set ${name}-far up`,
      `link set ${name} up`,
    ]),
    ...NEIGHBOURS.flatMap(({ dev, lladdr, of }) =>
      of.map((at) => `neighbour add ${at.split(':')[0]} lladdr ${lladdr} nud permanent dev ${dev}`),
    ),
  ];
  execFileSync('ip', ['-batch', '-'], { input: commands.join('\n') });
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
}
