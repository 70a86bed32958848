/** fullnat's ways against the others': what each adds to the direct way, round by round. */

import type { ContenderName } from './contenders.ts';
import type { MeasureName, Sample } from './measures.ts';
import type { Figure } from './rounds.ts';
import { summary } from './statistics.ts';

export const OWN_WAYS = [
  'fullnat',
  'fullnat-agent',
  'fullnat-socket',
  'fullnat-proxy',
] as const satisfies readonly ContenderName[];
export const PEERS = [
  'forward',
  'nftables',
  'haproxy',
  'nginx',
] as const satisfies readonly ContenderName[];

export type Ratio = {
  measure: MeasureName;
  own: (typeof OWN_WAYS)[number];
  peer: (typeof PEERS)[number];
  /** CPU time added to the direct way, ours in relation to the peer's; medians over the rounds. */
  added: number;
  /** Connections, requests or bytes in a second. */
  rate: number;
};

/** Ratios within one round, whose ways ran after one another; then the median of all rounds. */
export function ratios(figures: readonly Figure[]): Ratio[] {
  const measures = [...new Set(figures.map(({ measure }) => measure))];
  return measures.flatMap((measure) => {
    const samplesOf = (contender: ContenderName) =>
      figures.find((each) => each.measure === measure && each.contender === contender)?.samples ??
      [];
    const direct = samplesOf('direct');
    // Who did not take part is in no row.
    return OWN_WAYS.filter((own) => samplesOf(own).length > 0).flatMap((own) =>
      PEERS.map((peer) => {
        const rounds = samplesOf(own).flatMap((ours, i) => {
          const [theirs, floor] = [samplesOf(peer)[i], direct[i]];
          return theirs === undefined || floor === undefined ? [] : [{ ours, theirs, floor }];
        });
        return {
          ...{ measure, own, peer },
          added: medianOf(rounds, ({ ours, theirs, floor }) =>
            ratioOf(ours, theirs, (sample) => sample.cpuMicroseconds - floor.cpuMicroseconds),
          ),
          rate: medianOf(rounds, ({ ours, theirs }) =>
            ratioOf(ours, theirs, ({ perSecond }) => perSecond),
          ),
        };
      }),
    );
  });
}

const ratioOf = (ours: Sample, theirs: Sample, of: (sample: Sample) => number) =>
  of(ours) / of(theirs);

const medianOf = <T>(rounds: readonly T[], of: (round: T) => number) =>
  summary(rounds.map(of)).median;
