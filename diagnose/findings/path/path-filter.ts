/** A firewall rule on the way drops the packet. */
import {
  decideByRules,
  isAboutOptions,
  isLimit,
  isStateful,
  isIn,
  PASSING,
} from '../filter-rules.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const pathFilter: Hypothesis = {
  code: 'path-filter',
  causes: [8],
  title: 'a firewall rule on the path drops it',
  remedy: 'remove the rule, or accept before it',
  decide: (evidence) =>
    decideByRules(evidence, {
      roles: ['forwarder', 'balancer', 'host'],
      isMeant: (rule) =>
        isIn(rule, PASSING) && !isStateful(rule) && !isLimit(rule) && !isAboutOptions(rule),
    }),
};
