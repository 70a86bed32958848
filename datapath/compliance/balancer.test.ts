/** The balancer's rows, run on the loaded program. */
import { skip } from './kernel/private-network.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../binding/verdicts.ts';
import { foreignRows } from './balancer/foreign.ts';
import { forgedRows } from './balancer/forged.ts';
import { oddBalancerRows } from './balancer/odd.ts';
import { openingRows } from './balancer/opening.ts';
import { refusalRows } from './balancer/refusal.ts';
import { routeRows } from './balancer/route.ts';
import { stateRows } from './balancer/states.ts';
import { toaRows } from './balancer/toa.ts';
import { unknownRows } from './balancer/unknown.ts';
import { loadBalancer } from './kernel/balancer.ts';
import { buildTopology } from './kernel/topology.ts';
import { runRow } from './row.ts';
import { WEB_TABLES } from './tables.ts';
import { verdictGaps } from './verdicts.ts';

const FAMILIES = {
  opening: openingRows,
  states: stateRows,
  unknown: unknownRows,
  refusal: refusalRows,
  odd: oddBalancerRows,
  foreign: foreignRows,
  route: routeRows,
  toa: toaRows,
  forged: forgedRows,
};

test('balancer', { skip }, async (t) => {
  buildTopology();
  const reached = new Set<Verdict>();
  const balancer = await loadBalancer();
  for (const [family, rows] of Object.entries(FAMILIES))
    for (const row of rows)
      await t.test(`${family}: ${row.name}`, () =>
        runRow(balancer, WEB_TABLES, row).forEach((verdict) => reached.add(verdict)),
      );
  await t.test('every verdict is reached by a row', () =>
    assert.deepEqual(verdictGaps('balancer', reached), []),
  );
  balancer.close();
});
