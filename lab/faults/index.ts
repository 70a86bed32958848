/** Every fault that diagnosis is tried on: a new one is a row in its group. */
import { cause, nft, type Fault } from './fault.ts';

const HEALTHY: readonly Fault[] = [
  {
    name: 'healthy',
    sentence: 'Nothing is wrong.',
    lab: {},
    inject: async () => {},
    expect: { kind: 'healthy' },
  },
];

const COLLISIONS: readonly Fault[] = [
  {
    name: 'collision-drop',
    sentence: 'Our agent drops the newer of two connections that want one tuple.',
    lab: { onCollision: 'drop' },
    inject: async () => {},
    expect: cause('collision', 'host'),
  },
];

const FILTERS: readonly Fault[] = [
  {
    name: 'server-input-drop',
    sentence: 'A firewall rule of the server drops the SYN.',
    lab: {},
    inject: (lab) =>
      nft(
        lab,
        'server1',
        'add table ip f',
        'add chain ip f i { type filter hook input priority 0; }',
        'add rule ip f i ip saddr 10.0.88.0/24 tcp dport 8056 counter drop',
      ),
    expect: cause('server-input-filter', 'server'),
  },
];

export const FAULTS: readonly Fault[] = [...HEALTHY, ...COLLISIONS, ...FILTERS];
