/** The laws of sessions that took over a resting tuple. */
import { skip } from './kernel/private-network.ts';
import { test } from 'node:test';
import { shiftLaws } from './balancer/shift.ts';
import { loadBalancer } from './kernel/balancer.ts';
import { buildTopology } from './kernel/topology.ts';

test('balancer: shifts, the programs', { skip }, async (t) => {
  buildTopology();
  const path = await loadBalancer();
  for (const law of shiftLaws) await t.test(law.name, async () => law.check(path));
  path.close();
});
