/** A firewall rule of the client drops what it sends. */
import { decideByRules, isLimit, isStateful, isIn, SENDING } from '../filter-rules.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const clientOutputFilter: Hypothesis = {
  code: 'client-output-filter',
  causes: [2],
  title: 'a firewall rule of the client drops its own SYNs',
  remedy: 'remove the rule, or accept before it',
  decide: (evidence) =>
    decideByRules(evidence, {
      roles: ['client'],
      isMeant: (rule) => isIn(rule, SENDING) && !isStateful(rule) && !isLimit(rule),
    }),
};
