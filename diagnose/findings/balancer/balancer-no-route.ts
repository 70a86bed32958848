/** The balancer has no route to the backend or back. */
import { decideByGrowth, daemonDrops } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const balancerNoRoute: Hypothesis = {
  code: 'balancer-no-route',
  causes: [13],
  title: 'the balancer has no route, or does not forward',
  remedy: 'set net.ipv4.ip_forward=1, and add the route',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['balancer', 'host'],
      measure: daemonDrops('drop-no-route'),
      compare: 'nothing',
    }),
};
