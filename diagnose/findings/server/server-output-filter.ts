/** A firewall rule of the server drops the SYN+ACK. */
import { decideByRules, isLimit, isStateful, isIn, SENDING } from '../filter-rules.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const serverOutputFilter: Hypothesis = {
  code: 'server-output-filter',
  causes: [60],
  title: 'a firewall rule of the server drops its answer',
  remedy: 'remove the rule, or accept established connections before it',
  decide: (evidence) =>
    decideByRules(evidence, {
      roles: ['server'],
      isMeant: (rule) => isIn(rule, SENDING) && !isStateful(rule) && !isLimit(rule),
    }),
};
