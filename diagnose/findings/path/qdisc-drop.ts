/** A queueing discipline drops packets: shaping, or a queue that is full. */
import { decideByGrowth, qdiscDrops, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const qdiscDrop: Hypothesis = {
  code: 'qdisc-drop',
  causes: [6],
  title: 'a queue drops packets: its rate is used up',
  remedy: 'raise the rate, or send less through it: tc -s qdisc',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: qdiscDrops(),
    }),
};
