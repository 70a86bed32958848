/** An IPsec policy refuses the packet. */
import { decideByGrowth, xfrmErrors, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const ipsecPolicy: Hypothesis = {
  code: 'ipsec-policy',
  causes: [40],
  title: 'an IPsec policy refuses the packet',
  remedy: 'mend the policy: ip xfrm policy',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: xfrmErrors(),
    }),
};
