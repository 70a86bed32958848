/** The server has no route back to who sent the SYN. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const noRouteBack: Hypothesis = {
  code: 'no-route-back',
  causes: [58],
  title: 'the server has no route back',
  remedy: 'add the route to the clients, or a default route, at the server',
  decide: (evidence) =>
    decideByGrowth(evidence, { roles: ['server'], measure: counters('IpOutNoRoutes') }),
};
