/** The queue from a host to its guest is full: the guest does not take its packets. */
import { decideByGrowth, linkDrops } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const guestQueue: Hypothesis = {
  code: 'guest-queue',
  causes: [32],
  title: 'a host had no room in the queue to its guest',
  remedy: 'look at why the guest is stalled; more queues (virtio multiqueue)',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ['host'],
      measure: linkDrops('tx dropped', 'tx fifo_errors'),
    }),
};
