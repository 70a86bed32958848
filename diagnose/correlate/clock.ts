/** How far two capture points' clocks are apart, from connections that are certainly the same. */
import type { Seconds } from './connection.ts';
import type { CertainPair } from './habits.ts';

export interface ClockEstimate {
  /** The later point's clock less the earlier's. */
  readonly offset: Seconds;
  /** Matches may be off by so much. */
  readonly tolerance: Seconds;
  /** From packets both ways; from one alone, the way's own delay is in the offset. */
  readonly isBothWays: boolean;
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
export function estimateClock(pairs: readonly CertainPair[]): ClockEstimate | undefined {
  // Of retransmissions nobody knows which is which unless both points saw all of them.
  const there = pairs.flatMap(([a, b]) => differences(a.syns, b.syns));
  const back = pairs.flatMap(([a, b]) => differences(b.synAcks, a.synAcks));
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

function differences(from: readonly Seconds[], to: readonly Seconds[]): Seconds[] {
  const [sent, arrived] = [from[0], to[0]];
  if (sent === undefined || arrived === undefined || from.length !== to.length) return [];
  return [arrived - sent];
}

function shares(values: readonly Seconds[]): [short: Seconds, long: Seconds] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return [at(SHORT_SHARE), at(LONG_SHARE)];
}

function toleranceOf(spread: Seconds): Seconds {
  return Math.max(TOLERANCE_LEAST_SECONDS, TOLERANCE_SPREADS * spread);
}
