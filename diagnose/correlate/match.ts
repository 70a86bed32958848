/** Follows connections from capture point to capture point through address changes. */
import { assign, type Assigned, type Assignment, type Candidate, type Demands } from './assign.ts';
import { CandidateIndex } from './candidates.ts';
import { certainPairs } from './certain.ts';
import { estimateClock, type ClockEstimate, type TimedPair } from './clock.ts';
import { Commonness, indexesOf } from './commonness.ts';
import { isAttempt, startOf, type Connection, type Seconds } from './connection.ts';
import { weigh, type Evidence, type EvidenceKind } from './evidence.ts';
import { habitsByKind, NO_HABITS, type HabitsOf } from './habits.ts';
import type { Point } from './point.ts';
import type { SessionIndex } from './sessions.ts';
import { sortedBy } from './sorted-by.ts';

/** How a hop was joined to those before it. */
export interface HopMatch {
  readonly by: readonly EvidenceKind[];
  readonly bits: number;
  /** At least so many bits more than any other had. */
  readonly margin: number;
}

/** One connection attempt across capture points, in path order. */
export interface Chain {
  hops: readonly Connection[];
  /** One less than hops: each joins a hop to the ones before. */
  matches: readonly HopMatch[];
  /** At the point after the last hop it could be any of these. */
  ambiguous: readonly Connection[];
}

export interface Matching {
  readonly chains: readonly Chain[];
  /** By point: its clock less the first point's; undefined where nothing tells. */
  readonly clocks: readonly (ClockEstimate | undefined)[];
}

type Clocks = readonly (ClockEstimate | undefined)[];

/**
 * Enough to be believed: 16 bits are one in 65,536, 11 of them from something that names one
 * connection, and 6 more than any other, 1 in 64.
 */
const DEMANDS: Demands = { bits: 16, identifyingBits: 11, margin: 6 };
/** Enough to learn clock and habits from. */
const CERTAIN: Demands = { bits: 30, identifyingBits: 24, margin: 12 };
/** More pairs teach no more. */
const LEARNED_FROM_MAX = 10_000;
const HERE: ClockEstimate = { offset: 0, tolerance: 0, isBothWays: true };
const NONE: readonly never[] = [];

export function match(points: readonly Point[], sessions: SessionIndex): Matching {
  const chains: Chain[] = [];
  const clocks: (ClockEstimate | undefined)[] = [];
  points.forEach((point, number) => {
    const attempts = sortedBy(point.connections.filter(isAttempt), startOf);
    if (number === 0) {
      for (const attempt of attempts) chains.push(chainFrom(attempt));
      clocks.push(HERE);
    } else clocks.push(new Step(chains, attempts, clocks, sessions).run());
  });
  return { chains, clocks };
}

function chainFrom(connection: Connection): Chain {
  return { hops: [connection], matches: NONE, ambiguous: NONE };
}

/** One capture point joined to the chains of those before it. */
class Step {
  readonly #chains: Chain[];
  readonly #open: readonly Chain[];
  readonly #lasts: readonly Connection[];
  readonly #attempts: readonly Connection[];
  readonly #clocks: Clocks;
  readonly #sessions: SessionIndex;
  readonly #common: Commonness;
  readonly #index: CandidateIndex;
  #habitsOf: HabitsOf = () => NO_HABITS;
  #clock: ClockEstimate | undefined;

  constructor(
    chains: Chain[],
    attempts: readonly Connection[],
    clocks: Clocks,
    sessions: SessionIndex,
  ) {
    this.#chains = chains;
    this.#open = [...chains];
    this.#lasts = chains.flatMap(({ hops }) => hops.at(-1) ?? []);
    this.#attempts = attempts;
    this.#clocks = clocks;
    this.#sessions = sessions;
    const indexes = indexesOf(attempts);
    this.#common = new Commonness([this.#lasts, attempts], [indexesOf(this.#lasts), indexes]);
    this.#index = new CandidateIndex(attempts, indexes);
  }

  /** First what is certain, to learn clock and habits; then the rest with them. */
  run(): ClockEstimate | undefined {
    const certain = certainPairs(
      {
        earlier: this.#lasts,
        later: this.#attempts,
        strongOf: (earlier) => this.#candidatesOf(earlier, false),
        weigh: (earlier, later) => this.#weigh(earlier, later),
      },
      CERTAIN,
    );
    const learned = this.#timed(certain);
    this.#clock = estimateClock(learned);
    this.#habitsOf = habitsByKind(learned);
    const rest = this.#assignRest(certain);
    const pairs = [...certain, ...rest.pairs];
    const clock = this.#clock ?? estimateClock(this.#timed(pairs));
    this.#join(pairs, rest.ambiguous);
    return clock;
  }

  /** Pairs evenly chosen. */
  #timed(pairs: readonly Assigned[]): TimedPair[] {
    const every = Math.ceil(pairs.length / LEARNED_FROM_MAX);
    return pairs.flatMap(({ earlier, later }, i): TimedPair[] => {
      const [a, b] = [this.#lasts[earlier], this.#attempts[later]];
      if (!a || !b || i % every !== 0) return [];
      return [{ earlier: a, later: b, earlierOffset: this.#offsetOf(a) }];
    });
  }

  /** What is certain is not looked at again. */
  #assignRest(certain: readonly Assigned[]): Assignment {
    const settledEarlier = new Uint8Array(this.#open.length);
    const settledLater = new Uint8Array(this.#attempts.length);
    for (const { earlier, later } of certain) {
      settledEarlier[earlier] = 1;
      settledLater[later] = 1;
    }
    const candidates: Candidate[] = [];
    for (let earlier = 0; earlier < this.#open.length; earlier += 1) {
      if (settledEarlier[earlier] === 1) continue;
      for (const later of this.#candidatesOf(earlier, true)) {
        if (settledLater[later] === 1) continue;
        const evidence = this.#weigh(earlier, later);
        if (evidence) candidates.push({ earlier, later, evidence });
      }
    }
    return assign(candidates, DEMANDS);
  }

  #candidatesOf(earlier: number, isAll: boolean): number[] {
    const found: number[] = [];
    const [chain, last] = [this.#open[earlier], this.#lasts[earlier]];
    if (!chain || !last) return found;
    const expected = startOf(last) - this.#offsetOf(last) + (this.#clock?.offset ?? 0);
    this.#index.addStrong(found, chain.hops, expected, this.#sessions.sourceAfter(last));
    if (isAll) this.#index.addWeak(found, last, expected);
    return found;
  }

  #weigh(earlier: number, later: number): Evidence | undefined {
    const [chain, last] = [this.#open[earlier], this.#lasts[earlier]];
    const connection = this.#attempts[later];
    if (!chain || !last || !connection) return undefined;
    const clock = this.#clock;
    return weigh({
      earlier: chain.hops,
      later: connection,
      common: this.#common,
      habits: this.#habitsOf(last, connection),
      sessions: this.#sessions,
      clock: clock && { ...clock, offset: clock.offset - this.#offsetOf(last) },
    });
  }

  #join(pairs: readonly Assigned[], ambiguous: Assignment['ambiguous']): void {
    const taken = new Uint8Array(this.#attempts.length);
    for (const { earlier, later, evidence, margin } of pairs) {
      const [chain, connection] = [this.#open[earlier], this.#attempts[later]];
      if (!chain || !connection) continue;
      // Not pushed: an array that grows keeps room for more than a path has points.
      chain.hops = [...chain.hops, connection];
      chain.matches = [...chain.matches, { by: evidence.by, bits: evidence.bits, margin }];
      chain.ambiguous = NONE;
      taken[later] = 1;
    }
    for (const [earlier, candidates] of ambiguous) {
      const chain = this.#open[earlier];
      if (chain) chain.ambiguous = candidates.flatMap(({ later }) => this.#attempts[later] ?? []);
    }
    // What was not seen before begins here.
    this.#attempts.forEach((connection, i) => {
      if (taken[i] === 0) this.#chains.push(chainFrom(connection));
    });
  }

  /** Of the point's clock, to the first point's. */
  #offsetOf({ point }: Connection): Seconds {
    return this.#clocks[point]?.offset ?? 0;
  }
}
