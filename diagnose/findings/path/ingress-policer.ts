/** A filter at tc's ingress, such as a policer, drops what it receives. */
import { decideByGrowth, ON_THE_PATH, policerDrops } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const ingressPolicer: Hypothesis = {
  code: 'ingress-policer',
  causes: [31],
  title: 'a filter at tc’s ingress drops packets as they come in',
  remedy: 'raise its rate or remove it: tc -s filter show dev DEV ingress',
  decide: (evidence) => decideByGrowth(evidence, { roles: ON_THE_PATH, measure: policerDrops() }),
};
