/** The agent's rows, run on the loaded programs. */
import { skip } from './kernel/private-network.ts';
import { test } from 'node:test';
import { collisionRows } from './agent/collision.ts';
import { oddAgentRows } from './agent/odd.ts';
import { restoreRows } from './agent/restore.ts';
import { loadAgent } from './kernel/agent.ts';
import { buildTopology } from './kernel/topology.ts';
import { runRow } from './row.ts';
import { AGENT_TABLES } from './tables.ts';

const FAMILIES = { restore: restoreRows, collision: collisionRows, odd: oddAgentRows };

test('agent', { skip }, async (t) => {
  buildTopology();
  const agent = await loadAgent();
  for (const [family, rows] of Object.entries(FAMILIES))
    for (const row of rows)
      await t.test(`${family}: ${row.name}`, () => void runRow(agent, AGENT_TABLES, row));
  agent.close();
});
