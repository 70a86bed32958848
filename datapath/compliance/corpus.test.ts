/** The corpus of mutated frames: each leaves as it did, from the programs and from the model. */
import { skip } from './kernel/private-network.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../packet/index.ts';
import { leavesAlone, readCorpus } from './fuzz/corpus.ts';
import { agentGround, balancerGround, type Ground } from './fuzz/ground.ts';
import { buildTopology } from './kernel/topology.ts';

const MEANT = 'if that is meant, npm run fuzz -- frames --count 0 writes the corpus anew';

test('every frame of the corpus leaves as it did', { skip }, async (t) => {
  buildTopology();
  await t.test('balancer', async () => replay(await balancerGround()));
  await t.test('agent', async () => replay(await agentGround()));
});

async function replay<Tables>(ground: Ground<Tables>): Promise<void> {
  const corpus = readCorpus(ground.role);
  assert.ok(corpus.length > 50, `a corpus of ${corpus.length} frames is lost`);
  for (const one of corpus)
    assert.equal(await leavesAlone(ground, one), one.leaves, `${toHex(one.frame)}; ${MEANT}`);
  ground.kernel.close();
}
