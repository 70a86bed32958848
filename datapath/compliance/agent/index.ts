/** All rows of the agent, by family. */
import type { AgentTables } from '../../model/index.ts';
import type { Families } from '../row.ts';
import { againRows } from './again.ts';
import { collisionRows } from './collision.ts';
import { errorRows } from './errors.ts';
import { oddAgentRows } from './odd.ts';
import { restoreRows } from './restore.ts';
import { shiftRows } from './shift.ts';
import { strangerRows } from './strangers.ts';
import { takeOverRows } from './take-over.ts';

export const agentRows: Families<AgentTables> = {
  restore: restoreRows,
  strangers: strangerRows,
  collision: collisionRows,
  again: againRows,
  'take-over': takeOverRows,
  odd: oddAgentRows,
  errors: errorRows,
  shift: shiftRows,
};
