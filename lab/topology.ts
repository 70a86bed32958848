/**
 * The lab network as a value: namespaces, links, addresses and routes, computed
 * from a few options. Nothing here touches the machine.
 *
 *   fn-client ─┐                                   ┌─ vnet1 ─ fn-server1
 *              ├─ fn-router ── eth0 fn-host (br0) ─┤
 *   fn-client2 ┘      │                            └─ vnet2 ─ fn-server2
 *                     └─ eth0 fn-balancer
 *
 * To try something in it by hand:
 *
 *   npx fullnat lab up --no-daemons
 *   npx fullnat lab exec client -- curl -s http://10.0.98.79:8056/
 *   npx fullnat lab exec balancer -- tc filter add dev eth0 ingress bpf da obj FILE sec tc
 *   npx fullnat lab down
 *
 * `lab exec` is `nsenter --net=/run/netns/fn-client …`; `ip netns exec` would
 * hide /sys/fs/bpf, because it mounts another /sys.
 */

export type Role = 'client' | 'client2' | 'router' | 'balancer' | 'host' | 'server1' | 'server2';
export type ServerRole = Extract<Role, `server${number}`>;
export type ServerCount = 1 | 2;

export type TopologyOptions = { instance: string; servers: ServerCount; mtuBytes: number };

/** One end of a link: the device's name inside the namespace, and the bridge it belongs to. */
export type End = { role: Role; device: string; bridge?: string };
export type Link = { a: End; b: End };

export type Topology = TopologyOptions & {
  namespaces: { role: Role; name: string; sysctls: readonly string[] }[];
  bridges: { role: Role; device: string }[];
  links: Link[];
  addresses: { role: Role; device: string; address: string }[];
  routes: { role: Role; to: string; via: string }[];
};

export const DEFAULT_INSTANCE = 'lab';
export const DEFAULT_MTU_BYTES = 1500;

export const CLIENT_ADDRESS = '10.0.88.100';
export const CLIENT2_ADDRESS = '10.0.88.101';
export const VIRTUAL_ADDRESS = '10.0.23.111';
export const VIRTUAL_PORT = 18056;
export const LOCAL_RANGE = '10.0.124.160/28';
export const SERVER_PORT = 8056;
export const SERVER_ADDRESSES: Readonly<Record<ServerRole, string>> = {
  server1: '10.0.98.79',
  server2: '10.0.98.80',
};

/** Every role that a lab of any size can have; `down` looks for all of them. */
export const ROLES: readonly Role[] = [
  'client',
  'client2',
  'router',
  'balancer',
  'host',
  'server1',
  'server2',
];

/** The namespace of a role: `fn-client` in the default instance, `NAME-client` in others. */
export function namespaceName(instance: string, role: Role): string {
  return instance === DEFAULT_INSTANCE ? `fn-${role}` : `${instance}-${role}`;
}

/** Names end up in paths and namespace names, so only plain ones are allowed. */
export function checkInstance(instance: string): string {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(instance)) {
    throw new RangeError(
      `instance must be lower-case letters, digits and '-', at most 31, got '${instance}'`,
    );
  }
  if (instance === 'fn') {
    throw new RangeError(`instance 'fn' would take the namespaces of '${DEFAULT_INSTANCE}'`);
  }
  return instance;
}

export function topology(options: Partial<TopologyOptions> = {}): Topology {
  const { instance = DEFAULT_INSTANCE, servers = 2, mtuBytes = DEFAULT_MTU_BYTES } = options;
  checkInstance(instance);
  const serverRoles = serversOf(servers);
  const present = ROLES.filter((role) => !isServer(role) || serverRoles.includes(role));
  return {
    instance,
    servers,
    mtuBytes,
    namespaces: present.map((role) => ({
      role,
      name: namespaceName(instance, role),
      sysctls: [...SYSCTLS_EVERYWHERE, ...sysctlsOf(role)],
    })),
    bridges: [
      { role: 'router', device: 'br0' },
      { role: 'host', device: 'br0' },
    ],
    links: [
      clientLink('client'),
      clientLink('client2'),
      { a: { role: 'balancer', device: 'eth0' }, b: { role: 'router', device: 'balancer' } },
      { a: { role: 'host', device: 'eth0', bridge: 'br0' }, b: { role: 'router', device: 'host' } },
      ...serverRoles.map(serverLink),
    ],
    addresses: [
      { role: 'client', device: 'eth0', address: `${CLIENT_ADDRESS}/24` },
      { role: 'client2', device: 'eth0', address: `${CLIENT2_ADDRESS}/24` },
      { role: 'router', device: 'br0', address: '10.0.88.1/24' },
      { role: 'router', device: 'balancer', address: '10.0.23.254/24' },
      { role: 'router', device: 'host', address: '10.0.98.1/24' },
      { role: 'balancer', device: 'eth0', address: '10.0.23.1/24' },
      { role: 'balancer', device: 'eth0', address: `${VIRTUAL_ADDRESS}/32` },
      ...serverRoles.map((role) => ({
        role,
        device: 'eth0',
        address: `${SERVER_ADDRESSES[role]}/24`,
      })),
    ],
    routes: [
      { role: 'client', to: 'default', via: '10.0.88.1' },
      { role: 'client2', to: 'default', via: '10.0.88.1' },
      { role: 'router', to: LOCAL_RANGE, via: '10.0.23.1' },
      { role: 'balancer', to: 'default', via: '10.0.23.254' },
      ...serverRoles.map((role) => ({ role, to: 'default', via: '10.0.98.1' })),
    ],
  };
}

export function serversOf(count: ServerCount): ServerRole[] {
  return count === 1 ? ['server1'] : ['server1', 'server2'];
}

export function isServer(role: Role): role is ServerRole {
  return role === 'server1' || role === 'server2';
}

const SYSCTLS_EVERYWHERE = [
  'net.ipv6.conf.all.disable_ipv6=1',
  'net.ipv6.conf.default.disable_ipv6=1',
  // Paths are asymmetric on purpose (VIP one way, LIP the other).
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  // The balancer sends out of the interface it received from: no redirects for that.
  'net.ipv4.conf.all.send_redirects=0',
  'net.ipv4.conf.default.send_redirects=0',
  'net.ipv4.conf.all.accept_redirects=0',
  'net.ipv4.conf.default.accept_redirects=0',
];

function sysctlsOf(role: Role): string[] {
  switch (role) {
    case 'router':
    case 'balancer':
      return ['net.ipv4.ip_forward=1'];
    case 'server1':
    case 'server2':
      // A burst of SYNs must show the balancer's limits, not the servers' backlog.
      return ['net.core.somaxconn=16384', 'net.ipv4.tcp_max_syn_backlog=16384'];
    case 'client':
    case 'client2':
    case 'host':
      return [];
  }
}

function clientLink(role: 'client' | 'client2'): Link {
  return { a: { role, device: 'eth0' }, b: { role: 'router', device: role, bridge: 'br0' } };
}

function serverLink(role: ServerRole): Link {
  const device = role === 'server1' ? 'vnet1' : 'vnet2';
  return { a: { role, device: 'eth0' }, b: { role: 'host', device, bridge: 'br0' } };
}
