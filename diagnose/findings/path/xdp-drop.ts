/** An XDP program dropped packets before any capture could show them. */
import { decideByGrowth, nicCounters, ON_THE_PATH } from '../amounts.ts';
import type { Hypothesis } from '../hypothesis.ts';

export const xdpDrop: Hypothesis = {
  code: 'xdp-drop',
  causes: [29],
  title: 'an XDP program drops packets',
  remedy: 'look at the program: ip link show, bpftool net',
  decide: (evidence) =>
    decideByGrowth(evidence, { roles: ON_THE_PATH, measure: nicCounters(/xdp_?drop|xdp_tx_err/) }),
};
