/** The balancer's rows. */
import { skip } from './kernel/private-network.ts';
import { modelBalancer } from '../model/index.ts';
import { foreignErrorRows } from './balancer/errors-foreign.ts';
import { judgedErrorRows } from './balancer/errors-judged.ts';
import { errorRows } from './balancer/errors.ts';
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
import { suiteWorld } from './model/world.ts';
import { testRows } from './run-rows.ts';
import { WEB_TABLES } from './tables.ts';

const model = () => modelBalancer(suiteWorld, WEB_TABLES);

testRows('balancer', { model, kernel: loadBalancer, skip }, WEB_TABLES, {
  opening: openingRows,
  states: stateRows,
  unknown: unknownRows,
  refusal: refusalRows,
  odd: oddBalancerRows,
  foreign: foreignRows,
  route: routeRows,
  errors: errorRows,
  'errors judged': judgedErrorRows,
  'foreign errors': foreignErrorRows,
  toa: toaRows,
  forged: forgedRows,
});
