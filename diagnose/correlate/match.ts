/** Follows connections from capture point to capture point through address changes. */
import { assign, type Assignment, type Candidate, type Demands } from './assign.ts';
import { CandidateIndex } from './candidates.ts';
import { estimateClock, type ClockEstimate } from './clock.ts';
import { Commonness } from './commonness.ts';
import { isAttempt, startOf, type Connection, type Seconds } from './connection.ts';
import { weigh, type EvidenceKind } from './evidence.ts';
import { habitsByKind, NO_HABITS, type CertainPair, type Habits } from './habits.ts';
import type { Point } from './point.ts';
import type { SessionIndex } from './sessions.ts';

/** How a hop was joined to those before it. */
export interface HopMatch {
  readonly by: readonly EvidenceKind[];
  readonly bits: number;
  readonly margin: number;
}

/** One connection attempt across capture points, in path order. */
export interface Chain {
  readonly hops: Connection[];
  /** One less than hops: each joins a hop to the ones before. */
  readonly matches: HopMatch[];
  /** At the point after the last hop it could be any of these. */
  ambiguous: readonly Connection[];
}

export interface Matching {
  readonly chains: readonly Chain[];
  /** By point: its clock less the first point's; undefined where nothing tells. */
  readonly clocks: readonly (ClockEstimate | undefined)[];
}

/**
 * Enough to be believed: 16 bits are one in 65,536, 11 of them from something that names one
 * connection, and 6 more than any other, 1 in 64.
 */
const DEMANDS: Demands = { bits: 16, identifyingBits: 11, margin: 6 };
/** Enough to learn clock and habits from. */
const CERTAIN: Demands = { bits: 30, identifyingBits: 24, margin: 12 };
const HERE: ClockEstimate = { offset: 0, tolerance: 0, isBothWays: true };

export function match(points: readonly Point[], sessions: SessionIndex): Matching {
  const chains: Chain[] = [];
  const clocks: (ClockEstimate | undefined)[] = [];
  points.forEach((point, number) => {
    const attempts = point.connections
      .filter(isAttempt)
      .toSorted((a, b) => startOf(a) - startOf(b));
    if (number === 0) {
      for (const attempt of attempts) chains.push(chainFrom(attempt));
      clocks.push(HERE);
    } else clocks.push(new Step(chains, attempts, clocks, sessions).run());
  });
  return { chains, clocks };
}

function chainFrom(connection: Connection): Chain {
  return { hops: [connection], matches: [], ambiguous: [] };
}

/** One capture point joined to the chains of those before it. */
class Step {
  readonly #chains: Chain[];
  readonly #open: readonly Chain[];
  readonly #attempts: readonly Connection[];
  readonly #clocks: readonly (ClockEstimate | undefined)[];
  readonly #sessions: SessionIndex;
  readonly #common: Commonness;
  readonly #index: CandidateIndex;

  constructor(
    chains: Chain[],
    attempts: readonly Connection[],
    clocks: readonly (ClockEstimate | undefined)[],
    sessions: SessionIndex,
  ) {
    this.#chains = chains;
    this.#open = [...chains];
    this.#attempts = attempts;
    this.#clocks = clocks;
    this.#sessions = sessions;
    const lasts = chains.flatMap(({ hops }) => hops.at(-1) ?? []);
    this.#common = new Commonness([lasts, attempts]);
    this.#index = new CandidateIndex(attempts);
  }

  /** First what is certain, to learn clock and habits; then the rest with them. */
  run(): ClockEstimate | undefined {
    const first = this.#assign(undefined, () => NO_HABITS, CERTAIN);
    const certain = first.pairs.flatMap(({ earlier, later }): CertainPair[] => {
      const [a, b] = [this.#open[earlier]?.hops.at(-1), this.#attempts[later]];
      return a && b ? [[this.#onFirstClock(a), b]] : [];
    });
    const clock = estimateClock(certain);
    const settled = new Settled(first.pairs);
    const second = this.#assign(clock, habitsByKind(certain), DEMANDS, settled);
    const { ambiguous } = second;
    const pairs = [...first.pairs, ...second.pairs];

    const taken = new Set<number>();
    for (const { earlier, later, evidence, margin } of pairs) {
      const [chain, connection] = [this.#open[earlier], this.#attempts[later]];
      if (!chain || !connection) continue;
      chain.hops.push(connection);
      chain.matches.push({ by: evidence.by, bits: evidence.bits, margin });
      chain.ambiguous = [];
      taken.add(later);
    }
    for (const [earlier, candidates] of ambiguous) {
      const chain = this.#open[earlier];
      if (chain) chain.ambiguous = candidates.flatMap(({ later }) => this.#attempts[later] ?? []);
    }
    this.#openChains(taken);
    return clock ?? estimateClock(this.#pairsOf(pairs));
  }

  #pairsOf(pairs: Assignment['pairs']): CertainPair[] {
    return pairs.flatMap(({ earlier, later }): CertainPair[] => {
      const [a, b] = [this.#open[earlier]?.hops.at(-2), this.#attempts[later]];
      return a && b ? [[this.#onFirstClock(a), b]] : [];
    });
  }

  #assign(
    clock: ClockEstimate | undefined,
    habitsOf: (pair: CertainPair) => Habits,
    demands: Demands,
    settled: Settled = new Settled([]),
  ): Assignment {
    const candidates: Candidate[] = [];
    this.#open.forEach(({ hops }, earlier) => {
      const last = hops.at(-1);
      if (!last || settled.earlier.has(earlier)) return;
      const ownOffset = this.#clocks[last.point]?.offset ?? 0;
      const expected = startOf(last) - ownOffset + (clock?.offset ?? 0);
      for (const later of this.#index.of(hops, expected, this.#sessions.sourceAfter(last))) {
        const connection = this.#attempts[later];
        if (!connection || settled.later.has(later)) continue;
        const evidence = weigh({
          earlier: hops,
          later: connection,
          common: this.#common,
          habits: habitsOf([last, connection]),
          sessions: this.#sessions,
          clock: clock && { ...clock, offset: clock.offset - ownOffset },
        });
        if (evidence.bits > 0) candidates.push({ earlier, later, evidence });
      }
    });
    return assign(candidates, demands);
  }

  /** What was not seen before begins here. */
  #openChains(taken: ReadonlySet<number>): void {
    this.#attempts.forEach((connection, i) => {
      if (!taken.has(i)) this.#chains.push(chainFrom(connection));
    });
  }

  #onFirstClock(connection: Connection): Connection {
    const offset = this.#clocks[connection.point]?.offset ?? 0;
    if (offset === 0) return connection;
    const moved = (times: readonly Seconds[]) => times.map((time) => time - offset);
    return { ...connection, syns: moved(connection.syns), synAcks: moved(connection.synAcks) };
  }
}

/** What is certain is not looked at again. */
class Settled {
  readonly earlier: ReadonlySet<number>;
  readonly later: ReadonlySet<number>;

  constructor(pairs: Assignment['pairs']) {
    this.earlier = new Set(pairs.map(({ earlier }) => earlier));
    this.later = new Set(pairs.map(({ later }) => later));
  }
}
