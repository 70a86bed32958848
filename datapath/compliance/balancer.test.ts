/** The balancer's rows, run on the loaded program. */
import { skip } from './kernel/private-network.ts';
import { test } from 'node:test';
import { loadBalancer } from './kernel/balancer.ts';
import { buildTopology } from './kernel/topology.ts';
import { runRow } from './row.ts';
import { WEB_TABLES } from './tables.ts';
import { openingRows } from './balancer/opening.ts';

const FAMILIES = { opening: openingRows };

test('balancer', { skip }, async (t) => {
  buildTopology();
  const balancer = await loadBalancer();
  for (const [family, rows] of Object.entries(FAMILIES))
    for (const row of rows)
      await t.test(`${family}: ${row.name}`, () => void runRow(balancer, WEB_TABLES, row));
  balancer.close();
});
