/** The ways from client to server that are compared; each has a lab of its own, alike but for that. */

import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { EXCHANGE_SERVER_PORT, EXCHANGE_VIRTUAL_PORT, balancerConfig } from '../config.ts';
import { startDaemon } from '../daemons.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import { LIPS_MAX, type AgentMode, type LabOptions } from '../options.ts';
import { configFile } from '../paths.ts';
import { LabError, waitUntil } from '../process.ts';
import { SERVER_ADDRESSES, SERVER_PORT, VIRTUAL_ADDRESS, VIRTUAL_PORT } from '../topology.ts';
import { up } from '../up.ts';
import { nftRules, prepareNftables } from './nftables.ts';
import { prepareProxy, startHaproxy, startNginxStream } from './proxies.ts';

export type ContenderName =
  | 'direct'
  | 'forward'
  | 'fullnat'
  | 'fullnat-agent'
  | 'fullnat-socket'
  | 'fullnat-proxy'
  | 'nftables'
  | 'haproxy'
  | 'nginx';

export type Contender = {
  name: ContenderName;
  title: string;
  lab: Lab;
  host: string;
  webPort: number;
  bulkPort: number;
  /** iperf3 on the server; it ends with the namespace. */
  bulkServer: ChildProcess;
};

type Way = {
  title: string;
  /** Whether clients go to the listener; else to the server's own address. */
  toListener: boolean;
  daemons: boolean;
  agentMode?: AgentMode;
  prepare: (lab: Lab) => Promise<void>;
};

const WAYS: Readonly<Record<ContenderName, Way>> = {
  direct: {
    title: 'direct, no balancer',
    ...{ toListener: false, daemons: false, prepare: async () => {} },
  },
  forward: {
    title: 'kernel forwarding',
    ...{ toListener: false, daemons: false, prepare: async () => {} },
  },
  fullnat: {
    title: 'fullnat',
    ...{ toListener: true, daemons: false, prepare: startBalancerAlone },
  },
  'fullnat-agent': {
    title: 'fullnat with agent',
    ...{ toListener: true, daemons: true, prepare: async () => {} },
  },
  'fullnat-socket': {
    title: 'fullnat, socket mode',
    ...{ toListener: true, daemons: true, agentMode: 'socket', prepare: async () => {} },
  },
  'fullnat-proxy': {
    title: 'fullnat, no eBPF',
    ...{ toListener: true, daemons: false, prepare: startPortableEngine },
  },
  nftables: {
    title: 'nftables DNAT+SNAT',
    ...{ toListener: true, daemons: false, prepare: (lab) => prepareNftables(lab, nftRules()) },
  },
  haproxy: {
    title: 'HAProxy, mode tcp',
    ...{ toListener: true, daemons: false, prepare: startHaproxy },
  },
  nginx: {
    title: 'nginx stream',
    ...{ toListener: true, daemons: false, prepare: startNginxStream },
  },
};

export const CONTENDERS = Object.keys(WAYS) as readonly ContenderName[];

export const instanceOf = (name: ContenderName): string => `bench-${name}`;

export const titleOf = (name: ContenderName): string => WAYS[name].title;

/** Builds the lab of one contender; requests are answered when this returns. */
export async function buildContender(name: ContenderName): Promise<Contender> {
  const { title, toListener, daemons, agentMode = 'packet', prepare } = WAYS[name];
  const instance = instanceOf(name);
  await up({ instance, servers: 1, lips: LIPS_MAX, exchange: true, daemons, agentMode });
  const lab = openLab(instance);
  await Promise.all([
    lab.run('client', ['sysctl', '-qw', ...CLIENT_SYSCTLS]),
    lab.run('client2', ['sysctl', '-qw', ...CLIENT_SYSCTLS]),
    lab.run('server1', ['sysctl', '-qw', ...SERVER_SYSCTLS]),
    routeThroughBalancer(lab, name === 'forward'),
  ]);
  await prepare(lab);
  const contender = toListener
    ? { host: VIRTUAL_ADDRESS, webPort: VIRTUAL_PORT, bulkPort: EXCHANGE_VIRTUAL_PORT }
    : { host: SERVER_ADDRESSES.server1, webPort: SERVER_PORT, bulkPort: EXCHANGE_SERVER_PORT };
  const bulkServer = lab.spawn('server1', ['iperf3', '-s', '-p', String(EXCHANGE_SERVER_PORT)], {
    stdio: 'ignore',
  });
  const built = { name, title, lab, bulkServer, ...contender };
  await waitForAnswer(built);
  return built;
}

/**
 * The same for all. Time stamps without an offset per client address: a SYN that
 * meets TIME_WAIT of another client at the server is then taken as newer, instead
 * of waiting a second for its retransmission (the trap of SNAT; docs/performance.md).
 */
const CLIENT_SYSCTLS = ['net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_timestamps=2'];

/** Every connection rests at the server, as it should: none is ended early for want of room. */
const SERVER_SYSCTLS = ['net.ipv4.tcp_max_tw_buckets=262144'];

/**
 * Both directions through the balancer's namespace, for the way that has the hops of
 * full NAT without its work. Rules make every packet of a router dearer, so all ways
 * have the same ones; only this one's match.
 */
async function routeThroughBalancer(lab: Lab, matches: boolean): Promise<void> {
  const lines = [
    `rule add iif br0 to ${matches ? '10.0.98.0/24' : NOWHERE} lookup 100`,
    `rule add iif host to ${matches ? '10.0.88.0/24' : NOWHERE} lookup 100`,
    'route add default via 10.0.23.1 table 100',
  ];
  await lab.run('router', ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** A network of examples (RFC 5737). */
const NOWHERE = '192.0.2.0/24';

async function startBalancerAlone({ options }: Lab): Promise<void> {
  const { instance } = options satisfies LabOptions;
  const config = configFile(instance, 'balancer');
  writeFileSync(config, balancerConfig(options));
  await startDaemon(instance, 'balancer', config);
}

async function startPortableEngine(lab: Lab): Promise<void> {
  const { options } = lab;
  await prepareProxy(lab);
  const config = configFile(options.instance, 'balancer');
  writeFileSync(config, `engine: proxy\n${balancerConfig(options)}`);
  await startDaemon(options.instance, 'balancer', config);
}

async function waitForAnswer({ lab, title, host, webPort }: Contender): Promise<void> {
  const url = `http://${host}:${webPort}/`;
  const answers = async () => {
    const { code } = await lab.run('client', ['curl', '-sfm1', '-o/dev/null', url], {
      accept: 'any',
    });
    return code === 0;
  };
  if (!(await waitUntil(answers, { timeoutMs: 10_000, everyMs: 100 })))
    throw new LabError('LAB_NOT_READY', `${title}: no answer from ${url} within 10 s`);
}
