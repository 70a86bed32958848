/** A firewall rule of the server drops the SYN. */
import { decideByRules, isLimit, isStateful, isIn, RECEIVING } from '../filter-rules.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const serverInputFilter: Hypothesis = {
  code: 'server-input-filter',
  causes: [39],
  title: 'a firewall rule of the server drops the SYN',
  remedy: 'let the clients of the listener in: remove the rule, or accept before it',
  decide: (evidence) =>
    decideByRules(evidence, {
      roles: ['server'],
      isMeant: (rule) => isIn(rule, RECEIVING) && !isStateful(rule) && !isLimit(rule),
    }),
};
