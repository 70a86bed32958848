/** A firewall rule of the client drops the answer. */
import { decideByRules, isLimit, isStateful, isIn, RECEIVING } from '../filter-rules.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const clientInputFilter: Hypothesis = {
  code: 'client-input-filter',
  causes: [7],
  title: 'a firewall rule of the client drops the answer',
  remedy: 'remove the rule, or accept established connections before it',
  decide: (evidence) =>
    decideByRules(evidence, {
      roles: ['client'],
      isMeant: (rule) => isIn(rule, RECEIVING) && !isStateful(rule) && !isLimit(rule),
    }),
};
