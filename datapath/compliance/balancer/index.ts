/** All rows of the balancer, by family. */
import type { BalancerTables } from '../../model/index.ts';
import type { Families } from '../row.ts';
import { anewRows } from './anew.ts';
import { endRows } from './end.ts';
import { foreignErrorRows } from './errors-foreign.ts';
import { judgedErrorRows } from './errors-judged.ts';
import { errorRows } from './errors.ts';
import { foreignRows } from './foreign.ts';
import { forgedRows } from './forged.ts';
import { longRows } from './long.ts';
import { oddBalancerRows } from './odd.ts';
import { openingRows } from './opening.ts';
import { outcomeRows } from './outcomes.ts';
import { refusalRows } from './refusal.ts';
import { routeRows } from './route.ts';
import { stateRows } from './states.ts';
import { toaRows } from './toa.ts';
import { unknownRows } from './unknown.ts';

export const balancerRows: Families<BalancerTables> = {
  opening: openingRows,
  outcomes: outcomeRows,
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
  anew: anewRows,
  long: longRows,
  end: endRows,
};
