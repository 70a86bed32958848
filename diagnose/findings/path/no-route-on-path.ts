/** A machine on the path has no route to where the packet goes. */
import { decideByGrowth, counters } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const noRouteOnPath: Hypothesis = {
  code: 'no-route-on-path',
  causes: [13],
  title: 'a machine on the path has no route for it',
  remedy: 'add the route, or remove the blackhole',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['forwarder', 'balancer', 'host', 'server'],
      measure: counters('IpExtInNoRoutes'),
    }),
};
