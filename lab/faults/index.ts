/** Every fault that diagnosis is tried on: a new one is a row in its group. */
import { BALANCERS } from './balancers.ts';
import { COLLISIONS } from './collisions.ts';
import type { Fault } from './fault.ts';
import { FILTERS } from './filters.ts';
import { HEALTHY } from './healthy.ts';
import { NETWORK } from './network.ts';
import { SERVERS } from './servers.ts';

export const FAULTS: readonly Fault[] = [
  ...HEALTHY,
  ...COLLISIONS,
  ...FILTERS,
  ...SERVERS,
  ...NETWORK,
  ...BALANCERS,
];
