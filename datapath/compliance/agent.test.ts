/** The agent's rows. */
import { skip } from './kernel/private-network.ts';
import { modelAgent } from '../model/index.ts';
import { agentRows } from './agent/index.ts';
import { loadAgent } from './kernel/agent.ts';
import { suiteWorld } from './model/world.ts';
import { testRows } from './run-rows.ts';
import { AGENT_TABLES } from './tables.ts';

const model = () => modelAgent(suiteWorld, AGENT_TABLES);

testRows('agent', { model, kernel: loadAgent, skip }, AGENT_TABLES, agentRows);
