/** The agent's rows. */
import { skip } from './kernel/private-network.ts';
import { modelAgent } from '../model/index.ts';
import { againRows } from './agent/again.ts';
import { collisionRows } from './agent/collision.ts';
import { errorRows } from './agent/errors.ts';
import { oddAgentRows } from './agent/odd.ts';
import { restoreRows } from './agent/restore.ts';
import { shiftRows } from './agent/shift.ts';
import { strangerRows } from './agent/strangers.ts';
import { takeOverRows } from './agent/take-over.ts';
import { loadAgent } from './kernel/agent.ts';
import { suiteWorld } from './model/world.ts';
import { testRows } from './run-rows.ts';
import { AGENT_TABLES } from './tables.ts';

const model = () => modelAgent(suiteWorld, AGENT_TABLES);

testRows('agent', { model, kernel: loadAgent, skip }, AGENT_TABLES, {
  restore: restoreRows,
  strangers: strangerRows,
  collision: collisionRows,
  again: againRows,
  'take-over': takeOverRows,
  odd: oddAgentRows,
  errors: errorRows,
  shift: shiftRows,
});
