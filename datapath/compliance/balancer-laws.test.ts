/** The laws of local ports and of expiry, checked on the loaded balancer with its sweeper running. */
import { skip } from './kernel/private-network.ts';
import { test } from 'node:test';
import { expiryLaws } from './balancer/expiry.ts';
import { portLaws } from './balancer/ports.ts';
import { loadBalancer } from './kernel/balancer.ts';
import { buildTopology } from './kernel/topology.ts';

test('laws of the balancer', { skip }, async (t) => {
  buildTopology();
  const balancer = await loadBalancer();
  for (const law of [...portLaws, ...expiryLaws])
    await t.test(law.name, async () => {
      await law.check(balancer);
    });
  balancer.close();
});
