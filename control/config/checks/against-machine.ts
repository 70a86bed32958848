/** A configuration that does not fit the machine it is for. */
import { formatAddressRange, rangeContains } from '../../../packet/address-range.ts';
import {
  formatEndpoint,
  formatIpv4Address,
  type Endpoint,
  type Ipv4Address,
} from '../../../packet/address.ts';
import type { BalancerConfig, LocalsConfig } from '../balancer.ts';
import type { Problem } from '../problem.ts';
import type { SocketAgentConfig } from '../socket-agent.ts';
import { nearest } from '../suggest.ts';
import type { Check } from './check.ts';

export const missingInterface: Check<{
  readonly engine?: string;
  readonly interfaces: readonly (string | { name: string })[];
}> = ({ engine, interfaces }, { machine }) => {
  if (machine === undefined || engine === 'proxy') return [];
  const present = machine.interfaces();
  return interfaces.flatMap((entry, i): Problem[] => {
    const name = typeof entry === 'string' ? entry : entry.name;
    if (present.includes(name)) return [];
    const close = nearest(name, present);
    const hint =
      close === undefined ? `this machine has: ${present.join(', ')}` : `did you mean '${close}'?`;
    return [
      {
        path: typeof entry === 'string' ? ['interfaces', i] : ['interfaces', i, 'name'],
        message: `interface '${name}' does not exist; ${hint}`,
      },
    ];
  });
};

export const missingCgroup: Check<SocketAgentConfig> = ({ cgroup }, { machine }) => {
  if (machine === undefined) return [];
  const root = machine.cgroupRoot();
  if (root === undefined)
    return [
      {
        path: cgroup === undefined ? ['mode'] : ['cgroup'],
        message:
          'socket mode needs the v2 cgroup hierarchy, and it is not mounted; ' +
          'mount -t cgroup2 none /sys/fs/cgroup/unified',
      },
    ];
  if (cgroup === undefined || machine.isCgroup(cgroup)) return [];
  const message = `cgroup ${cgroup} does not exist in the v2 hierarchy, whose root is ${root}`;
  return [{ path: ['cgroup'], message }];
};

/**
 * Port shadowing: replies to our connections from such a port would reach the local
 * service, or its replies us. A socket on 0.0.0.0 counts where the local is an address
 * of this machine.
 */
export const shadowedPort: Check<BalancerConfig> = ({ engine, locals }, { machine }) => {
  // A process that connects is refused such a port by the kernel, and takes the next.
  if (machine === undefined || engine === 'proxy') return [];
  const sockets = machine.listeningSockets();
  const own = machine.addresses();
  return locals.flatMap((range, i) => {
    const shadowed = sockets.filter((socket) => isShadowed(socket, range, own));
    const names = [...new Set(shadowed.map(formatEndpoint))];
    if (names.length === 0) return [];
    return [
      {
        path: ['locals', i, 'addresses'],
        message:
          `this machine has listening sockets on locals ${formatAddressRange(range.addresses)}: ` +
          `${names.join(', ')}; take addresses of their own for locals, narrow \`ports\`, ` +
          `or bind those services to another address`,
      },
    ];
  });
};

/** Locals are the data path's: what comes back to them never reaches a socket of this machine. */
export const checkSource: Check<BalancerConfig> = ({ engine, locals, pools }, { machine }) => {
  const own = machine?.addresses();
  return pools.flatMap(({ health }, i): Problem[] => {
    if (health.kind === 'off' || health.source === undefined) return [];
    const { source } = health;
    const path = ['pools', i, 'health', 'source'];
    const text = formatIpv4Address(source);
    if (engine !== 'proxy' && locals.some(({ addresses }) => rangeContains(addresses, source)))
      return [
        { path, message: `health.source ${text} is one of \`locals\`; take another address` },
      ];
    if (own === undefined || own.includes(source) || isLoopback(source)) return [];
    const mine = own.filter((address) => !isLoopback(address)).map(formatIpv4Address);
    const message = `health.source ${text} is no address of this machine; it has: ${mine.join(', ')}`;
    return [{ path, message }];
  });
};

/** All of 127.0.0.0/8 is this machine's, though its interface names one. */
function isLoopback(address: Ipv4Address): boolean {
  return address >>> 24 === 127;
}

function isShadowed(
  { address, port }: Endpoint,
  { addresses, ports }: LocalsConfig,
  own: readonly Ipv4Address[],
): boolean {
  if (port < ports.low || port > ports.high) return false;
  if (address !== 0) return rangeContains(addresses, address);
  return own.some((mine) => rangeContains(addresses, mine));
}
