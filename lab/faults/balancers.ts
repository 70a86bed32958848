/** Balancers, ours and others', that have no port, no listener or no room. */
import { openConnections, startOpening } from '../traffic.ts';
import { CLIENT2_ADDRESS, VIRTUAL_ADDRESS, VIRTUAL_PORT } from '../topology.ts';
import type { Lab } from '../lab.ts';
import { waitUntil } from '../process.ts';
import { cause, type Fault, type Injected } from './fault.ts';
import { ip, nftBalancer, sysctl } from './means.ts';

const LISTENER = `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`;
const HELD = 4;

export const BALANCERS: readonly Fault[] = [
  {
    name: 'no-such-listener',
    sentence: 'The balancer has no listener on that port.',
    lab: {},
    target: `${VIRTUAL_ADDRESS}:18057`,
    inject: async () => {},
    expect: cause('no-such-listener', 'balancer'),
  },
  {
    name: 'snat-exhausted',
    sentence: 'A balancer made of nftables has no source port left.',
    lab: { daemons: false },
    inject: async (lab) => {
      await nftBalancer(lab, `10.0.124.161:20000-${20_000 + HELD - 1}`);
      return holding(lab);
    },
    expect: cause('snat-exhausted', 'balancer'),
  },
  {
    name: 'local-ports-exhausted',
    sentence: 'Our balancer has no local port left.',
    lab: { lips: 1 },
    config: (yaml) =>
      yaml.replace(/- addresses: (\S+)/, `- addresses: $1\n    ports: 1024-${1024 + HELD - 1}`),
    inject: holding,
    expect: cause('local-port-exhausted', 'balancer'),
  },
  {
    name: 'time-wait-paws',
    sentence: 'Behind a plain source NAT, old timestamps meet TIME_WAIT at the server.',
    lab: { daemons: false, closeFirst: true },
    inject: async (lab) => {
      await nftBalancer(lab, '10.0.124.161:20000-20255');
      // The NAT forgets at once, the server remembers for a minute.
      await sysctl(lab, 'balancer', 'net.netfilter.nf_conntrack_tcp_timeout_time_wait=1');
      const addresses = Array.from({ length: 16 }, (_, i) => `10.0.88.${110 + i}`);
      await ip(lab, 'client2', ...addresses.map((one) => `addr add ${one}/24 dev eth0`));
      for (const local of addresses)
        await openConnections(lab, 'client2', {
          ...{ target: LISTENER, local, count: 32, perSecond: 400, closer: 'server' },
        });
      await new Promise((done) => setTimeout(done, 2_000));
    },
    expect: cause(['time-wait-paws', 'time-wait-answer'], 'server'),
  },
];

/** Another client has every port, and keeps it. */
async function holding(lab: Lab): Promise<Injected> {
  const held = startOpening(lab, 'client2', {
    ...{ target: LISTENER, local: CLIENT2_ADDRESS, count: HELD, perSecond: 100, holdMs: 300_000 },
  });
  await waitUntil(
    async () => {
      const { stdout } = await lab.run('client2', ['ss', '-Htn', 'state', 'established']);
      return stdout.trim().split('\n').length >= HELD;
    },
    { timeoutMs: 10_000, everyMs: 100 },
  );
  return { stop: () => void held.stop() };
}
