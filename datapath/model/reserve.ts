/**
 * Finds a port that is free towards one server. Whether it is free is not looked up in
 * a list of ports but asked of the session table: whose tuple is it? When only resting
 * ports are left the one that was released first is taken over, with the numbers
 * shifted so that the server accepts it (shift.ts); when not even that, the oldest
 * half-open session gives way, so that a flood cannot keep a small range to itself.
 * Established ones never do. The work per SYN is bounded, and counted.
 */
import { port, type Port } from '../../packet/index.ts';
import type { PortsView } from './data-path.ts';
import { permutationBits, permute, type Secret } from './ports.ts';
import type { Segment } from './segment.ts';
import { isReusable, type Session } from './session.ts';
import { countSessions } from './session-table.ts';
import { shiftBeyond, type Last, type Shift } from './shift.ts';
import { SECOND_TICKS, type Chance, type Ticks } from './world.ts';

/** The ports of one local towards one backend; in an agent, the remap range of one backend. */
export interface Pair {
  readonly local: number;
  readonly backend: number;
}

export interface PortRange {
  readonly low: number;
  readonly high: number;
}

/** What one SYN's search has found so far; kept from range to range. */
export interface PortSearch {
  readonly now: Ticks;
  readonly secret: Secret;
  /** The session that gives its tuple away soonest. */
  given: Session | undefined;
  /** Tries made since there was one. */
  freeTries: number;
}

/** What becomes of a tuple that is given away. */
export interface Taken {
  readonly shift: Shift;
  readonly before: Last;
  readonly note: 'reused' | 'opening-taken';
}

interface Range extends Pair {
  allocated: number;
  probes: number;
  failed: number;
  reused: number;
  /** The next place in the secret order. */
  cursor: number;
}

/** Places of the permutation looked at, and those of them inside the range, each a try. */
const STEPS_MAX = 256;
const TRIES_MAX = 64;
/** Of these, for a free port when a resting one is at hand. */
const FREE_TRIES_MAX = 8;
/** And when that has not rested long: the last packet was hardly lost three times. */
const YOUNG_TRIES_MAX = 16;
const LONG_REST_TICKS = 8 * SECOND_TICKS;

export function newSearch(now: Ticks, secret: Secret): PortSearch {
  return { now, secret, given: undefined, freeTries: 0 };
}

export class PortRanges {
  readonly #ranges = new Map<string, Range>();
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The first port from the cursor on that has no owner; `isFull` spares the search. */
  search(
    search: PortSearch,
    pair: Pair,
    { low, high }: PortRange,
    isFull: boolean,
    ownerOf: (candidate: Port) => Session | undefined,
  ): Port | undefined {
    const range = this.#rangeOf(pair);
    const count = high - low + 1;
    const [bits, tweak] = [permutationBits(count), ((pair.local << 16) ^ pair.backend) >>> 0];
    let [found, tries]: [Port | undefined, number] = [undefined, 0];
    let index = range.cursor - 1;
    for (let step = 0; !isFull && step < STEPS_MAX; step++) {
      // With a port at hand the search only looks ahead, and takes nobody's turn.
      index = search.given ? index + 1 : range.cursor++;
      const offset = permute(index >>> 0, bits, search.secret, tweak);
      if (offset >= count) continue;
      const candidate = port(low + offset);
      const owner = ownerOf(candidate);
      tries += 1;
      if (!owner) {
        found = candidate;
        break;
      }
      consider(search, owner);
      if (search.given) search.freeTries += 1;
      if (tries >= TRIES_MAX || search.freeTries >= freeTriesMax(search)) break;
    }
    range.probes += tries;
    if (found !== undefined) range.allocated += 1;
    else if (!search.given) range.failed += 1;
    return found;
  }

  /** A SYN takes over the tuple of the session that a search found to give it away. */
  takeOver(segment: Segment, given: Session, backend: number): Taken {
    const { local } = given;
    const halfOpen = isHalfOpen(given);
    if (local !== undefined) {
      const range = this.#rangeOf({ local, backend });
      range.allocated += 1;
      range.reused += halfOpen ? 0 : 1;
    }
    const before = halfOpen ? given.before : given.last;
    const shift = shiftBeyond(segment, before, this.#chance);
    return { shift, before, note: halfOpen ? 'opening-taken' : 'reused' };
  }

  view(sessions: readonly Session[]): Record<string, PortsView> {
    const views = [...this.#ranges].map(([key, range]) => {
      const { local, backend, allocated, probes, failed, reused } = range;
      const own = sessions.filter((one) => one.local === local && one.backend === backend);
      return [key, { allocated, probes, failed, reused, ...countSessions(own) }] as const;
    });
    return Object.fromEntries(views);
  }

  #rangeOf({ local, backend }: Pair): Range {
    const key = `${local}/${backend}`;
    const known = this.#ranges.get(key);
    if (known) return known;
    const cursor = this.#chance.portStart();
    const range = { local, backend, allocated: 0, probes: 0, failed: 0, reused: 0, cursor };
    this.#ranges.set(key, range);
    return range;
  }
}

/**
 * Remembers who has the tuple, if it gives it away, and nobody before it would rather:
 * those that rest before those that are half open, and the oldest first.
 */
function consider(search: PortSearch, owner: Session): void {
  const { given, now } = search;
  if (!isHalfOpen(owner) && !isReusable(owner)) return;
  if (ageOf(owner, now) < SECOND_TICKS) return;
  if (given && isHalfOpen(owner) && !isHalfOpen(given)) return;
  const restsAtLast = given && isHalfOpen(given) && !isHalfOpen(owner);
  if (given && !restsAtLast && ageOf(owner, now) <= ageOf(given, now)) return;
  if (restsAtLast) search.freeTries = 0;
  search.given = owner;
}

function freeTriesMax({ given, now }: PortSearch): number {
  if (!given || isHalfOpen(given)) return TRIES_MAX;
  return ageOf(given, now) < LONG_REST_TICKS ? YOUNG_TRIES_MAX : FREE_TRIES_MAX;
}

function isHalfOpen({ state }: Session): boolean {
  return state === 'opening';
}

function ageOf(session: Session, now: Ticks): number {
  return now - (isHalfOpen(session) ? session.created : session.seen);
}
