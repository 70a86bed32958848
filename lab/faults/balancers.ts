/** Balancers, ours and others', that have no port, no listener or no room. */
import { openConnections, startOpening } from '../traffic.ts';
import {
  CLIENT2_ADDRESS,
  CLIENT_ADDRESS,
  VIRTUAL_ADDRESS,
  VIRTUAL_PORT,
  type Role,
} from '../topology.ts';
import type { Lab } from '../lab.ts';
import { LabError, waitUntil } from '../process.ts';
import { cause, type Fault, type Injected } from './fault.ts';
import { fullConntrack, ip, nftBalancer, rule, sysctl } from './means.ts';

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
    name: 'conntrack-full',
    sentence: 'The connection tracking table of a balancer made of nftables is full.',
    lab: { daemons: false },
    inject: async (lab) => {
      await nftBalancer(lab);
      return fullConntrack(lab, 'balancer');
    },
    expect: cause('conntrack-full', 'balancer'),
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
      const local = await newerClock(lab);
      await openConnections(lab, 'client2', {
        ...{ target: LISTENER, local, count: 256, perSecond: 200, closer: 'server' },
      });
      await new Promise((done) => setTimeout(done, 2_000));
      // A client that hears the server's bare ACK resets it, and its next SYN, 10 ms later, is
      // taken; stateful firewalls let no such ACK pass.
      const bareAck = 'tcp flags & (fin | syn | rst | psh | ack) == ack ip length < 60';
      await rule(lab, 'router', 'forward', `ip saddr ${VIRTUAL_ADDRESS} ${bareAck} drop`);
    },
    expect: cause(['time-wait-paws', 'time-wait-answer'], 'server'),
  },
];

/**
 * An address of the other client whose timestamps are ahead of the client's: Linux begins them
 * anywhere, by address. Of 24 one is, but in one case of sixteen million.
 */
async function newerClock(lab: Lab): Promise<string> {
  const own = await timestampOf(lab, 'client', CLIENT_ADDRESS);
  for (let last = 110; last < 134; last += 1) {
    const address = `10.0.88.${last}`;
    await ip(lab, 'client2', `addr add ${address}/24 dev eth0`);
    const ahead = ((await timestampOf(lab, 'client2', address)) - own + 2 ** 32) % 2 ** 32;
    if (ahead > 2 ** 20 && ahead < 2 ** 31 - 2 ** 20) return address;
  }
  throw new LabError('LAB_NOT_READY', 'no address of client2 has timestamps ahead of the client');
}

/** What it sends to the listener, in milliseconds since anywhere. */
async function timestampOf(lab: Lab, role: Role, local: string): Promise<number> {
  const filter = `src host ${local} and tcp[13] == 2`;
  const child = lab.spawn(role, ['tcpdump', '-i', 'eth0', '-nlc1', filter], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const line = new Promise<string>((done) => child.stdout?.once('data', (text) => done(`${text}`)));
  await new Promise((done) => child.stderr?.once('data', done));
  await openConnections(lab, role, { target: LISTENER, local, count: 1 });
  const [, value] = /TS val (\d+)/.exec(await line) ?? [];
  if (value === undefined) throw new LabError('LAB_NOT_READY', `no timestamp of ${local} was seen`);
  return Number(value);
}

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
