/** Connection tracking calls the packet invalid, and a rule drops what is invalid. */
import { ON_THE_PATH } from '../amounts.ts';
import { decideByRules, isStateful } from '../filter-rules.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const invalidState: Hypothesis = {
  code: 'invalid-state',
  causes: [23, 63],
  title: 'connection tracking saw only half of the connection, and a rule drops what is invalid',
  remedy:
    'lead both directions over the same box, or do not track there; net.netfilter.nf_conntrack_tcp_loose',
  decide: (evidence) =>
    decideByRules(evidence, { roles: ON_THE_PATH, isMeant: (rule) => isStateful(rule) }),
};
