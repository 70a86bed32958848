/** Follows connections from capture point to capture point through address changes. */
import { assign, type Assignment, type Candidate, type Demands } from './assign.ts';
import { StrongCandidates, WeakCandidates } from './candidates.ts';
import { certainPairs, type CertainPairs } from './certain.ts';
import { estimateClock, type ClockEstimate, type TimedPair } from './clock.ts';
import {
  censusOf,
  FullCommonness,
  settled,
  StrongCommonness,
  StrongIndexes,
  type Census,
  type Commonness,
} from './commonness.ts';
import { isAttempt, startOf, type Connection, type Seconds } from './connection.ts';
import { weigh, type EvidenceKind, type Scale } from './evidence.ts';
import { habitsByKind, NO_HABITS, type HabitsOf } from './habits.ts';
import { pairsInside, type Inside } from './inside.ts';
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
  last: Connection;
  /** The weakest of those that joined its hops: a chain is as sure as that. */
  match: HopMatch | undefined;
  /** At the point after the last hop it could be any of these. */
  ambiguous: readonly Connection[];
  /** Of `last`, among the attempts of its point in order of time. */
  number: number;
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

/** Points are added in path order, each as soon as it has been read. */
export class Matcher {
  readonly chains: Chain[] = [];
  /** By point: its clock less the first point's; undefined where nothing tells. */
  readonly clocks: (ClockEstimate | undefined)[] = [];
  readonly #sessions: SessionIndex;
  readonly #points: Census[] = [];

  constructor(sessions: SessionIndex) {
    this.#sessions = sessions;
  }

  add({ connections }: Point): void {
    const attempts = sortedBy(connections.filter(isAttempt), startOf);
    const indexes = new StrongIndexes(attempts);
    const census = censusOf(attempts, indexes);
    const point = this.#points.length;
    let fresh: readonly number[] = NONE;
    if (point === 0) {
      this.clocks.push(HERE);
      fresh = zerosOf(new Uint8Array(attempts.length));
    } else {
      const { clocks } = this;
      const before = this.#points.pop();
      if (before) this.#points.push(settled(before));
      const candidates = new StrongCandidates(attempts, indexes);
      const known = { points: this.#points, candidates, clocks, sessions: this.#sessions };
      const step = new Step(this.chains, census, known);
      clocks.push(step.run());
      fresh = step.fresh;
    }
    this.#begin(fresh, attempts);
    this.#joinInside({ census, indexes, sessions: this.#sessions, point }, fresh);
    this.#points.push(census);
  }

  /** What was not seen before begins here. */
  #begin(fresh: readonly number[], attempts: readonly Connection[]): void {
    for (const number of fresh) {
      const connection = attempts[number];
      if (connection) this.chains.push(chainFrom(connection, number));
    }
  }

  /** Of a box that was captured on both sides at once, the second is no beginning. */
  #joinInside(inside: Inside, fresh: readonly number[]): void {
    const pairs = pairsInside(inside, fresh, DEMANDS);
    if (pairs.length === 0) return;
    const { point } = inside;
    const chainOf = new Map<number, Chain>();
    for (const chain of this.chains)
      if (chain.last.point === point) chainOf.set(chain.number, chain);
    const gone = new Set<Chain>();
    for (const { earlier, later, evidence, margin } of pairs) {
      const [came, went] = [chainOf.get(earlier), chainOf.get(later)];
      if (!came || !went || gone.has(came) || gone.has(went)) continue;
      const { by, bits } = evidence;
      if (went.hops.length === 1) {
        join(came, went.last, later, by, bits, margin);
        gone.add(went);
      } else if (came.hops.length === 1) {
        // The side behind the box was recognised first: this one comes before it.
        went.hops = [...went.hops.slice(0, -1), came.last, went.last];
        weaken(went, by, bits, margin);
        gone.add(came);
      }
    }
    const left = this.chains.filter((chain) => !gone.has(chain));
    this.chains.length = 0;
    for (const chain of left) this.chains.push(chain);
  }
}

function join(
  chain: Chain,
  connection: Connection,
  number: number,
  by: readonly EvidenceKind[],
  bits: number,
  margin: number,
): void {
  // Not pushed: an array that grows keeps room for more than a path has points.
  chain.hops = [...chain.hops, connection];
  chain.last = connection;
  weaken(chain, by, bits, margin);
  chain.ambiguous = NONE;
  chain.number = number;
}

function weaken(chain: Chain, by: readonly EvidenceKind[], bits: number, margin: number): void {
  const { match } = chain;
  if (!match || Math.min(bits, margin) < Math.min(match.bits, match.margin))
    chain.match = { by, bits, margin };
}

function chainFrom(connection: Connection, number: number): Chain {
  return { hops: [connection], last: connection, match: undefined, ambiguous: NONE, number };
}

/** What a step is given of the path so far. */
interface Known {
  readonly points: readonly Census[];
  readonly candidates: StrongCandidates;
  readonly clocks: Clocks;
  readonly sessions: SessionIndex;
}

/** One capture point joined to the chains of those before it. */
class Step {
  /** After `run`: numbers of the attempts that belong to no chain. */
  fresh: readonly number[] = NONE;
  readonly #open: readonly Chain[];
  readonly #lasts: readonly Connection[];
  readonly #attempts: readonly Connection[];
  readonly #census: Census;
  readonly #known: Known;
  #common: Commonness;
  #habitsOf: HabitsOf = () => NO_HABITS;
  #clock: ClockEstimate | undefined;

  constructor(chains: readonly Chain[], census: Census, known: Known) {
    this.#open = chains.slice();
    this.#lasts = chains.map(({ last }) => last);
    this.#attempts = census.attempts;
    this.#census = census;
    this.#known = known;
    this.#common = new StrongCommonness(known.points, census);
  }

  /** First what is certain, to learn clock and habits; then the rest with them. */
  run(): ClockEstimate | undefined {
    const certain = certainPairs(
      {
        earlier: this.#lasts,
        later: this.#attempts,
        strongOf: (earlier) => this.#strongOf(earlier),
        weigh: (earlier, later) => this.#weigh(earlier, later),
      },
      CERTAIN,
    );
    const learned = this.#timed(certain.later);
    this.#clock = estimateClock(learned);
    this.#habitsOf = habitsByKind(learned);
    const rest = this.#assignRest(certain);
    const found = new Int32Array(this.#open.length).fill(-1);
    for (const { earlier, later } of rest.pairs) found[earlier] = later;
    const clock = this.#clock ?? estimateClock(this.#timed(found));
    this.#join(certain, rest);
    return clock;
  }

  /** Pairs evenly chosen; `laters` by earlier connection. */
  #timed(laters: Int32Array): TimedPair[] {
    const every = Math.ceil(laters.length / LEARNED_FROM_MAX);
    const pairs: TimedPair[] = [];
    for (let earlier = 0; earlier < laters.length; earlier += every) {
      const [a, b] = [this.#lasts[earlier], this.#attempts[laters[earlier] ?? -1]];
      if (a && b) pairs.push({ earlier: a, later: b, earlierOffset: this.#offsetOf(a) });
    }
    return pairs;
  }

  /** What is certain is not looked at again. */
  #assignRest(certain: CertainPairs): Assignment {
    const isSettledLater = new Uint8Array(this.#attempts.length);
    const earlierLeft: number[] = [];
    certain.later.forEach((later, earlier) => {
      if (later >= 0) isSettledLater[later] = 1;
      else earlierLeft.push(earlier);
    });
    const laterLeft = zerosOf(isSettledLater);
    if (earlierLeft.length === 0 || laterLeft.length === 0)
      return { pairs: [], ambiguous: new Map() };
    const weak = new WeakCandidates(this.#attempts, laterLeft);
    this.#common = new FullCommonness(
      [...this.#known.points, this.#census],
      laterLeft.flatMap((later) => this.#attempts[later] ?? []),
    );
    const candidates = earlierLeft.flatMap((earlier) => {
      const last = this.#lasts[earlier];
      if (!last) return [];
      const all = new Set([...this.#strongOf(earlier), ...weak.of(last, this.#expected(last))]);
      return [...all].flatMap((later): Candidate[] => {
        const found = isSettledLater[later] === 1 ? undefined : this.#weigh(earlier, later);
        if (!found) return [];
        const { bits, identifyingBits } = found;
        return [{ earlier, later, evidence: { bits, identifyingBits, by: found.by() } }];
      });
    });
    return assign(candidates, DEMANDS);
  }

  #strongOf(earlier: number): readonly number[] {
    const [chain, last] = [this.#open[earlier], this.#lasts[earlier]];
    if (!chain || !last) return [];
    const { candidates, sessions } = this.#known;
    return candidates.of(chain.hops, this.#expected(last), sessions.sourceAfter(last));
  }

  /** Valid until the next call. */
  #weigh(earlier: number, later: number): Scale | undefined {
    const [chain, connection] = [this.#open[earlier], this.#attempts[later]];
    if (!chain || !connection) return undefined;
    const { last } = chain;
    const clock = this.#clock;
    return weigh({
      hops: chain.hops,
      earlier: last,
      later: connection,
      earlierNumber: chain.number,
      laterNumber: later,
      common: this.#common,
      habits: this.#habitsOf(last, connection),
      sessions: this.#known.sessions,
      clock: clock && { ...clock, offset: clock.offset - this.#offsetOf(last) },
    });
  }

  #join(certain: CertainPairs, rest: Assignment): void {
    const isTaken = new Uint8Array(this.#attempts.length);
    const take = (
      earlier: number,
      later: number,
      by: HopMatch['by'],
      bits: number,
      margin: number,
    ) => {
      const [chain, connection] = [this.#open[earlier], this.#attempts[later]];
      if (!chain || !connection) return;
      join(chain, connection, later, by, bits, margin);
      isTaken[later] = 1;
    };
    certain.later.forEach((later, earlier) => {
      if (later < 0) return;
      const { by, bits, margin } = certain;
      take(earlier, later, by[earlier] ?? NONE, bits[earlier] ?? 0, margin[earlier] ?? 0);
    });
    for (const { earlier, later, evidence, margin } of rest.pairs)
      take(earlier, later, evidence.by, evidence.bits, margin);
    for (const [earlier, candidates] of rest.ambiguous) {
      const chain = this.#open[earlier];
      if (chain) chain.ambiguous = candidates.flatMap(({ later }) => this.#attempts[later] ?? []);
    }
    this.fresh = zerosOf(isTaken);
  }

  /** When this point should have seen it. */
  #expected(last: Connection): Seconds {
    return startOf(last) - this.#offsetOf(last) + (this.#clock?.offset ?? 0);
  }

  /** Of the point's clock, to the first point's. */
  #offsetOf({ point }: Connection): Seconds {
    return this.#known.clocks[point]?.offset ?? 0;
  }
}

function zerosOf(flags: Uint8Array): number[] {
  const found: number[] = [];
  for (let i = 0; i < flags.length; i += 1) if (flags[i] === 0) found.push(i);
  return found;
}
