/** How far two capture points' clocks are apart, from connections that are certainly the same. */
import type { Seconds } from './connection.ts';
import type { CertainPair } from './habits.ts';

export interface ClockEstimate {
  /** The later point's clock less the first point's. */
  readonly offset: Seconds;
  /** Matches may be off by so much. */
  readonly tolerance: Seconds;
  /** From packets both ways; from one alone, the way's own delay is in the offset. */
  readonly isBothWays: boolean;
}

/** `earlierOffset`: what the earlier point's own clock is ahead of the first point's. */
export interface TimedPair extends CertainPair {
  readonly earlierOffset: Seconds;
}

/** Queues on the way make delays longer, never shorter: the offset is in the short ones. */
const SHORT_SHARE = 0.1;
const LONG_SHARE = 0.9;
const TOLERANCE_LEAST_SECONDS = 0.005;
const TOLERANCE_SPREADS = 3;

/**
 * A SYN takes the delay there plus the offset, its SYN+ACK the delay back less the offset: half
 * the difference is the offset where both ways are equally long (as NTP has it, RFC 5905).
 */
export function estimateClock(pairs: readonly TimedPair[]): ClockEstimate | undefined {
  const there: Seconds[] = [];
  const back: Seconds[] = [];
  for (const { earlier: a, later: b, earlierOffset } of pairs) {
    // Of retransmissions nobody knows which is which unless both points saw all of them.
    if (a.firstSyn !== undefined && b.firstSyn !== undefined && a.synCount === b.synCount)
      there.push(b.firstSyn - a.firstSyn + earlierOffset);
    if (
      a.firstSynAck !== undefined &&
      b.firstSynAck !== undefined &&
      a.synAckCount === b.synAckCount
    )
      back.push(a.firstSynAck - earlierOffset - b.firstSynAck);
  }
  if (there.length === 0) return undefined;
  const [shortThere, longThere] = shares(there);
  const spread = longThere - shortThere;
  if (back.length === 0)
    return { offset: shortThere, tolerance: toleranceOf(spread), isBothWays: false };
  const [shortBack, longBack] = shares(back);
  const roundTrip = Math.max(0, shortThere + shortBack);
  return {
    offset: (shortThere - shortBack) / 2,
    tolerance: toleranceOf(Math.max(spread, longBack - shortBack) + roundTrip),
    isBothWays: true,
  };
}

function shares(values: readonly Seconds[]): [short: Seconds, long: Seconds] {
  const sorted = Float64Array.from(values).toSorted();
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return [at(SHORT_SHARE), at(LONG_SHARE)];
}

function toleranceOf(spread: Seconds): Seconds {
  return Math.max(TOLERANCE_LEAST_SECONDS, TOLERANCE_SPREADS * spread);
}
