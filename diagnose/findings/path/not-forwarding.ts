/** Packets reach a machine that neither has the address nor forwards. */
import { decideByGrowth, counters, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const notForwarding: Hypothesis = {
  code: 'not-forwarding',
  causes: [12, 38],
  title: 'a machine gets packets for an address that it neither has nor forwards',
  remedy: 'set net.ipv4.ip_forward=1 there, or give it the address',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: counters('IpInAddrErrors'),
    }),
};
