/** A rule or middlebox drops segments with TCP options that it does not know. */
import { decideByRules, isAboutOptions } from '../filter-rules.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const optionFilter: Hypothesis = {
  code: 'option-filter',
  causes: [16],
  title: 'a middlebox drops SYNs with options that it does not know',
  remedy: 'let TCP option 254 pass there, or use toa: ack',
  decide: (evidence) =>
    decideByRules(evidence, {
      roles: ['forwarder', 'balancer', 'host'],
      isMeant: (rule) => isAboutOptions(rule),
    }),
};
