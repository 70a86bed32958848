/** Every lab case, in the order `fullnat lab case` lists them: a new case is a file and a line here. */

import { balancedConnection } from './balanced.ts';
import { COLLISION_CASES } from './collision/index.ts';
import type { LabCase } from './case.ts';
import { DIAGNOSED_CASES } from './diagnosed.ts';
import { directConnection } from './direct.ts';
import { directSourcePort } from './direct-source-port.ts';
import { untouchedTraffic } from './untouched.ts';

/** What holds in one lab, one after the other. */
export const OWN_CASES: readonly LabCase[] = [
  directConnection,
  directSourcePort,
  untouchedTraffic,
  balancedConnection,
  ...COLLISION_CASES,
];

export const CASES: readonly LabCase[] = [...OWN_CASES, ...DIAGNOSED_CASES];
