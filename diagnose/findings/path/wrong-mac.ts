/** Frames carry another machine’s link-layer address. */
import { decideByGrowth, linkDrops, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const wrongMac: Hypothesis = {
  code: 'wrong-mac',
  causes: [33],
  title: 'frames arrive with another machine’s link-layer address',
  remedy: 'flush the stale neighbour entry at the sender: ip neigh flush to ADDRESS',
  decide: (evidence) =>
    decideByGrowth(evidence, {
      roles: ON_THE_PATH,
      measure: linkDrops('rx otherhost_dropped', 'rx otherhost'),
    }),
};
