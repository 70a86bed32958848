/** The agent's rows, run on the loaded programs. */
import { skip } from './kernel/private-network.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../binding/verdicts.ts';
import { againRows } from './agent/again.ts';
import { collisionRows } from './agent/collision.ts';
import { oddAgentRows } from './agent/odd.ts';
import { restoreRows } from './agent/restore.ts';
import { strangerRows } from './agent/strangers.ts';
import { takeOverRows } from './agent/take-over.ts';
import { loadAgent } from './kernel/agent.ts';
import { buildTopology } from './kernel/topology.ts';
import { runRow } from './row.ts';
import { AGENT_TABLES } from './tables.ts';
import { verdictGaps } from './verdicts.ts';

const FAMILIES = {
  restore: restoreRows,
  strangers: strangerRows,
  collision: collisionRows,
  again: againRows,
  'take-over': takeOverRows,
  odd: oddAgentRows,
};

test('agent', { skip }, async (t) => {
  buildTopology();
  const reached = new Set<Verdict>();
  const agent = await loadAgent();
  for (const [family, rows] of Object.entries(FAMILIES))
    for (const row of rows)
      await t.test(`${family}: ${row.name}`, () =>
        runRow(agent, AGENT_TABLES, row).forEach((verdict) => reached.add(verdict)),
      );
  await t.test('every verdict is reached by a row', () =>
    assert.deepEqual(verdictGaps('agent', reached), []),
  );
  agent.close();
});
