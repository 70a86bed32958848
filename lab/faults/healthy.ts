/** Labs on which nothing is wrong, idle and busy: whoever is blamed there is blamed wrongly. */
import { startOpening } from '../traffic.ts';
import { CLIENT_ADDRESS, CLIENT2_ADDRESS, VIRTUAL_ADDRESS, VIRTUAL_PORT } from '../topology.ts';
import type { Fault } from './fault.ts';
import { nftBalancer, rule } from './means.ts';

const LISTENER = `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`;
const healthy = { kind: 'healthy' } as const;

export const HEALTHY: readonly Fault[] = [
  {
    name: 'healthy',
    sentence: 'Nothing is wrong.',
    lab: {},
    words: ['--data'],
    inject: async () => {},
    expect: healthy,
  },
  {
    name: 'healthy-busy',
    sentence:
      'Two clients open connections all the time, balanced and direct, and scanners are dropped.',
    lab: { servers: 2 },
    inject: async (lab) => {
      await rule(lab, 'server1', 'input', 'tcp dport 22 counter drop');
      const common = { count: 6_000, perSecond: 100 };
      const loads = [
        startOpening(lab, 'client', { ...common, target: LISTENER, local: CLIENT_ADDRESS }),
        startOpening(lab, 'client', {
          ...common,
          target: '10.0.98.79:8056',
          local: CLIENT_ADDRESS,
        }),
        startOpening(lab, 'client2', { ...common, target: LISTENER, local: CLIENT2_ADDRESS }),
        startOpening(lab, 'client2', {
          ...{ target: '10.0.98.79:22', local: CLIENT2_ADDRESS, count: 200 },
          ...{ perSecond: 5, timeoutMs: 1_000 },
        }),
      ];
      return {
        stop: () => {
          for (const load of loads) void load.stop();
        },
      };
    },
    expect: healthy,
  },
  {
    name: 'healthy-nftables',
    sentence: 'A balancer made of nftables works, and nothing of ours is there.',
    lab: { daemons: false },
    inject: (lab) => nftBalancer(lab),
    expect: healthy,
  },
  {
    name: 'healthy-socket',
    sentence: 'The agent is in socket mode, and nothing is wrong.',
    lab: { agentMode: 'socket' },
    inject: async () => {},
    expect: healthy,
  },
];
