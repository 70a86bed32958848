/** A rule that limits the rate of connections drops those above it. */
import { ON_THE_PATH } from '../amounts.ts';
import { decideByRules, isLimit } from '../filter-rules.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const rateLimit: Hypothesis = {
  code: 'rate-limit',
  causes: [39],
  title: 'a firewall rule limits the rate of new connections',
  remedy: 'raise the limit, or take the balancer’s addresses out of it',
  decide: (evidence) =>
    decideByRules(evidence, { roles: ON_THE_PATH, isMeant: (rule) => isLimit(rule) }),
};
