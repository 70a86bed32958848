/** Every fault that diagnosis is tried on: a new one is a row in its group. */
import { BALANCERS } from './balancers.ts';
import { COLLISIONS } from './collisions.ts';
import type { Fault } from './fault.ts';
import { FILTERS } from './filters.ts';
import { NETWORK } from './network.ts';
import { SERVERS } from './servers.ts';

const HEALTHY: readonly Fault[] = [
  {
    name: 'healthy',
    sentence: 'Nothing is wrong.',
    lab: {},
    inject: async () => {},
    expect: { kind: 'healthy' },
  },
];

export const FAULTS: readonly Fault[] = [
  ...HEALTHY,
  ...COLLISIONS,
  ...FILTERS,
  ...SERVERS,
  ...NETWORK,
  ...BALANCERS,
];
