/** Ways: from here to backends, and from the network to listeners and locals. */
import { formatIpv4Address, type Ipv4Address } from '../../../packet/address.ts';
import { formatAddressRange } from '../../../packet/address-range.ts';
import { anyEndpoint, formatIpAddress, formatIpRange } from '../../../packet/ip.ts';
import { fail, notSeen, ok, warn, type Told } from '../finding.ts';
import type { AgentConfig } from '../../config/agent.ts';
import type { DoctorCheck, NamespaceView, Surroundings } from '../surroundings.ts';
import { inside, viewWith } from './places.ts';

/** What `ip -j route get` answers. */
type Route =
  | { kind: 'own' }
  | { kind: 'on-link'; device: string }
  | { kind: 'via'; device: string; gateway: string }
  | { kind: 'none' };

const SHOWN = 3;
/** 127.0.0.0/8 */
const LOOPBACK = 127;

/** Backends, as the balancer's programs look them up. */
export const routesToBackends: DoctorCheck = {
  name: 'routes to backends',
  look: async (around, { balancer }) => {
    if (balancer === undefined) return [];
    const all = balancer.pools.flatMap(({ backends }) => backends.map(({ address }) => address));
    const addresses = [...new Set(all.map(({ address }) => address))];
    const routes = await Promise.all(
      addresses.map((address) => routeTo(around, formatIpv4Address(address))),
    );
    const dark = routes.find((route) => !route.seen);
    if (dark?.seen === false) return [notSeen(dark)];
    const lost = addresses.filter((_, i) => {
      const route = routes[i];
      return route?.seen === true && route.value.kind === 'none';
    });
    if (lost.length === 0) return [ok(`to all ${addresses.length}`)];
    return lost.map((address) =>
      fail(
        `none to backend ${formatIpv4Address(address)}`,
        `ip route add ${formatIpv4Address(address)} via GATEWAY`,
      ),
    );
  },
};

/** Who asks for a listener or a local by ARP must get an answer, or be told another way. */
export const routesToUs: DoctorCheck = {
  name: 'routes to listeners and locals',
  look: async (around, { balancer }) => {
    if (balancer === undefined) return [];
    const wanted = [
      ...balancer.listeners.map(({ address }) => ({
        address: address.address,
        name: `listener ${formatIpv4Address(address.address)}`,
      })),
      ...balancer.locals.map(({ addresses }) => ({
        address: addresses.first,
        name: `locals ${formatAddressRange(addresses)}`,
      })),
    ];
    const names = new Map(wanted.map((one) => [one.name, one]));
    const told: Told[] = [];
    for (const { address, name } of names.values()) told.push(await wayTo(around, address, name));
    return told;
  },
};

async function wayTo(around: Surroundings, address: Ipv4Address, name: string): Promise<Told> {
  const text = formatIpv4Address(address);
  const route = await routeTo(around, text);
  if (!route.seen) return notSeen(route);
  switch (route.value.kind) {
    case 'own':
      return ok(`${name}: an address of this machine, which answers ARP for it`);
    case 'on-link': {
      const { device } = route.value;
      const proxied = await around.run(['ip', '-4', 'neigh', 'show', 'proxy']);
      if (proxied.seen && proxied.value.split(/\s+/).includes(text))
        return ok(`${name}: this machine answers ARP for it (proxy)`);
      return warn(
        `${name}: neighbours at ${device} ask for it by ARP, and nobody answers, unless they have a route to it`,
        `ip address add ${text}/32 dev ${device}`,
      );
    }
    case 'via':
    case 'none':
      return ok(`${name}: not an address of this machine; the network must route it here`);
  }
}

/** Answers to a balancer go to its locals; packet mode sends them back to where they came from. */
export const routesToLocals: DoctorCheck = {
  name: 'routes to the balancer',
  look: async (around, { agent }) => {
    if (agent?.mode !== 'socket') return [];
    const told: Told[] = [];
    for (const view of viewsOf(around, agent))
      for (const range of agent.trustedLocals.slice(0, SHOWN)) {
        const to = formatIpAddress(range.first);
        const route = await routeTo(around, to, inside(view));
        const text = `locals ${formatIpRange(range)}`;
        const there = view.path === undefined ? '' : `, in ${view.path}`;
        if (!route.seen) told.push(notSeen(route));
        else if (route.value.kind !== 'none') told.push(ok(`to ${text}${there}`));
        else {
          const mend = [...inside(view), 'ip', 'route', 'add', to, 'via', 'BALANCER'].join(' ');
          told.push(fail(`none to ${text}${there}: servers cannot answer`, mend));
        }
      }
    return told;
  },
};

/** Where the servers are; without a list, here, unless this is no more than a bridge. */
function viewsOf({ namespaces, machine }: Surroundings, { servers }: AgentConfig): NamespaceView[] {
  if (servers.length > 0) {
    const { views } = namespaces();
    return [
      ...new Set(servers.flatMap(({ address }) => viewWith(views, anyEndpoint(address)) ?? [])),
    ];
  }
  const isBridge = machine.addresses().every((address) => address >>> 24 === LOOPBACK);
  return isBridge ? [] : [{ path: undefined, addresses: [], listening: [] }];
}

async function routeTo({ run }: Surroundings, address: string, where: readonly string[] = []) {
  const got = await run([...where, 'ip', '-j', 'route', 'get', address]);
  /* iproute2 says it with an exit code, and `ip` missing is said by other words */
  if (!got.seen) return /unreachable|No route|RTNETLINK/.test(got.why) ? none : got;
  return { seen: true, value: readRoute(got.value) } as const;
}

const none = { seen: true, value: { kind: 'none' } } as const;

export function readRoute(json: string): Route {
  const [route] = JSON.parse(json) as { type?: string; dev?: string; gateway?: string }[];
  if (route?.type === 'local') return { kind: 'own' };
  if (route?.dev === undefined || /unreachable|blackhole|prohibit/.test(route.type ?? ''))
    return { kind: 'none' };
  return route.gateway === undefined
    ? { kind: 'on-link', device: route.dev }
    : { kind: 'via', device: route.dev, gateway: route.gateway };
}
