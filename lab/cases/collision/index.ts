/** The collision cases: two connections that to the server would be one. */

import type { LabCase } from '../case.ts';
import { directFirst } from './direct-first.ts';
import { manyPorts } from './many-ports.ts';
import { ownListener } from './own-listener.ts';
import { reconnect } from './reconnect.ts';
import { balancedResting, directResting } from './resting.ts';
import { twoListeners } from './two-listeners.ts';
import { vipFirst } from './vip-first.ts';

export const COLLISION_CASES: readonly LabCase[] = [
  directFirst,
  vipFirst,
  directResting,
  balancedResting,
  twoListeners,
  reconnect,
  manyPorts,
  ownListener,
];
