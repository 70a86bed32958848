/** Random conversations through the programs and through the model: 2,000 of each kind, new ones every time. */
import { skip } from './kernel/private-network.ts';
import { test } from 'node:test';
import { modelAgent, modelBalancer } from '../model/index.ts';
import { anyAgentConversation } from './differential/agent.ts';
import { anyBalancerConversation } from './differential/balancer.ts';
import { checkConversations, comparedWith, PORT_START } from './differential/property.ts';
import { loadAgent } from './kernel/agent.ts';
import { loadBalancer } from './kernel/balancer.ts';
import { buildTopology } from './kernel/topology.ts';
import { AGENT_TABLES, WEB_TABLES } from './tables.ts';

const COUNT = 1000;
const seed = Date.now() % 2 ** 31;

test('programs and model do the same, whatever is said', { skip }, async (t) => {
  buildTopology();
  await t.test(`balancer, ${COUNT} conversations, seed ${seed}`, async () => {
    const kernel = await loadBalancer({ portStart: PORT_START });
    const compared = comparedWith(kernel, (world) => modelBalancer(world, WEB_TABLES));
    await checkConversations('balancer', compared, anyBalancerConversation(), {
      count: COUNT,
      seed,
    });
    kernel.close();
  });
  await t.test(`agent, ${COUNT} conversations, seed ${seed}`, async () => {
    const kernel = await loadAgent({ portStart: PORT_START });
    const compared = comparedWith(kernel, (world) => modelAgent(world, AGENT_TABLES));
    await checkConversations('agent', compared, anyAgentConversation(), { count: COUNT, seed });
    kernel.close();
  });
});
