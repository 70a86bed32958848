/** Two connections raced for one translation: the second was dropped, and its next SYN passed. */
import { decideByGrowth, conntrackStats, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const conntrackRace: Hypothesis = {
  code: 'conntrack-race',
  causes: [21],
  title: 'connection tracking lost connections to a race for one translation',
  remedy: 'let source NAT choose ports at random (--random-fully)',
  decide: (evidence) =>
    decideByGrowth(evidence, { roles: ON_THE_PATH, measure: conntrackStats('clashres') }),
};
