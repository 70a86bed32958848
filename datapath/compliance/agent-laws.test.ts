/** The laws of the agent: expiry, and events that nobody reads. */
import { skip } from './kernel/private-network.ts';
import { modelAgent } from '../model/index.ts';
import { agentExpiryLaws } from './agent/expiry.ts';
import { agentOverrunLaws } from './agent/overrun.ts';
import { loadAgent } from './kernel/agent.ts';
import { suiteWorld } from './model/world.ts';
import { testLaws } from './run-rows.ts';
import { AGENT_TABLES } from './tables.ts';

const model = () => modelAgent(suiteWorld, AGENT_TABLES);

testLaws('agent', { model, kernel: loadAgent, skip }, [...agentExpiryLaws, ...agentOverrunLaws]);
