/** Two connections that want one tuple, and restored tuples that are wrong. */
import { daemonStatus } from '../daemons.ts';
import { waitUntil } from '../process.ts';
import { cause, type Fault } from './fault.ts';
import { nftBalancer, nftRestorer } from './means.ts';

/** The ports that the diagnosis connects from; see argvFor(). */
const PORTS = { low: 20_000, high: 20_999 };

export const COLLISIONS: readonly Fault[] = [
  {
    name: 'collision-drop',
    sentence: 'Our agent drops the newer of two connections that want one tuple.',
    lab: { onCollision: 'drop' },
    inject: async () => {},
    expect: cause('collision', 'host'),
  },
  {
    name: 'collision-restorer',
    sentence: 'A restorer made of nftables refuses a tuple that a direct connection has.',
    lab: { daemons: false },
    inject: async (lab) => {
      await nftBalancer(lab);
      await nftRestorer(lab, 'router', PORTS);
    },
    expect: cause('collision', 'router'),
  },
  {
    name: 'own-address',
    sentence: 'A server is its own client, and its address comes back to it as source.',
    lab: { daemons: false },
    client: 'server1',
    inject: (lab) => nftBalancer(lab, ''),
    expect: cause('own-address', 'server'),
  },
  {
    name: 'asymmetric-return',
    sentence: 'The answer goes from the server to the client, past the balancer.',
    lab: { daemons: false },
    inject: (lab) => nftBalancer(lab, ''),
    expect: cause('asymmetric-return', 'router-balancer'),
  },
  {
    name: 'agent-detached',
    sentence: 'The agent was stopped and detached: servers see the balancer, not the client.',
    lab: {},
    inject: async (lab) => {
      const { instance } = lab.options;
      const { pid } = await daemonStatus(instance, 'agent');
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
      await waitUntil(async () => (await daemonStatus(instance, 'agent')).pid === undefined, {
        timeoutMs: 5_000,
      });
      await lab.run('host', ['tc', 'qdisc', 'del', 'dev', 'vnet1', 'clsact']);
    },
    expect: cause('client-not-restored', 'host'),
  },
];
