/**
 * The session table: where sessions live, and how one begins and ends.
 *
 * A session has two directions, each found by the tuple of its packets; both exist or
 * neither does. The server's side comes first: to be its owner is to own its tuple.
 */
import type { SessionLimits } from './data-path.ts';
import { keyOf, type Flow } from './flow.ts';
import { isLive, isResting, type Direction, type Session } from './session.ts';
import type { Note } from './words.ts';
import { SECOND_TICKS, ticksFromSeconds, type Chance, type Ticks } from './world.ts';

/** A place in the table; a new session takes the one that was left last. */
export type Slot = number;
interface Place {
  readonly slot: Slot | undefined;
  readonly notes: readonly Note[];
}
type GivesWay = 'opening' | 'resting';

/** Sessions looked at for one to give way. */
const EVICTION_PROBES = 16;

export class SessionTable<D extends Direction> {
  readonly #directions = new Map<string, D>();
  readonly #slots: (Session | undefined)[] = [];
  readonly #free: Slot[] = [];
  #evicted = 0;

  get evicted(): number {
    return this.#evicted;
  }

  /** How packets with this tuple leave. */
  find(flow: Flow): D | undefined {
    return this.#directions.get(keyOf(flow));
  }

  has(flow: Flow): boolean {
    return this.#directions.has(keyOf(flow));
  }

  all(): Session[] {
    return this.#slots.filter((session) => session !== undefined);
  }

  /** A place for a new session, and what gave way for it; no place when the table is full of better ones. */
  takeSlot(limits: SessionLimits, chance: Chance, now: Ticks): Place {
    const notes: Note[] = [];
    const evict = (state: GivesWay) => {
      const evicted = this.#evict(state, chance, now);
      if (evicted) notes.push(`${state}-evicted`);
      return evicted;
    };
    // A soft limit: when the probes find nothing to evict, the table is the limit.
    const opening = this.all().filter(({ state }) => state === 'opening').length;
    if (opening >= limits.openingMax) evict('opening');
    let slot = this.#unusedSlot(limits);
    if (slot === undefined && (evict('opening') || evict('resting')))
      slot = this.#unusedSlot(limits);
    return { slot, notes };
  }

  /** Gives back a place that never became a session's. */
  returnSlot(slot: Slot): void {
    this.#free.push(slot);
  }

  /** Both directions, or none and false: another session has one of the tuples. */
  begin(slot: Slot, { front, back }: { front: D; back: D }, now: Ticks): boolean {
    const { session } = front;
    if (this.has(session.back) || this.has(session.front) || sameFlow(session)) {
      this.returnSlot(slot);
      return false;
    }
    session.seen = now;
    session.created = now;
    this.#directions.set(keyOf(session.back), back);
    this.#directions.set(keyOf(session.front), front);
    this.#slots[slot] = session;
    return true;
  }

  /** Ends a session: both directions, if they are still its own. */
  bury(session: Session): void {
    session.state = 'dead';
    for (const flow of [session.front, session.back])
      if (this.find(flow)?.session === session) this.forget(flow);
    const slot = this.#slots.indexOf(session);
    this.#slots[slot] = undefined;
    this.#free.push(slot);
  }

  /** Takes one direction away from its session. */
  forget(flow: Flow): void {
    this.#directions.delete(keyOf(flow));
  }

  /** Ends what has been idle for longer than its state allows. */
  expire({ timeoutSeconds }: SessionLimits, now: Ticks): void {
    for (const session of this.all()) {
      const { state } = session;
      if (state === 'dead' || state === 'free') continue;
      // A busy session is written once a second, so it may look a second older than it is.
      if (now - session.seen >= ticksFromSeconds(timeoutSeconds[state]) + SECOND_TICKS)
        this.bury(session);
    }
  }

  /** The oldest half-open session among a few, or the longest resting one; established ones never give way. */
  #evict(which: GivesWay, chance: Chance, now: Ticks): boolean {
    let oldest: Session | undefined;
    const ageOf = (session: Session) =>
      now - (which === 'resting' ? session.seen : session.created);
    for (let i = 0; i < EVICTION_PROBES; i++) {
      const session = chance.pick(this.all());
      if (!session || !givesWay(session, which)) continue;
      if (!oldest || ageOf(session) >= ageOf(oldest)) oldest = session;
    }
    if (!oldest) return false;
    this.bury(oldest);
    this.#evicted += 1;
    return true;
  }

  #unusedSlot({ sessionCapacity }: SessionLimits): Slot | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#slots.length >= sessionCapacity) return undefined;
    return this.#slots.push(undefined) - 1;
  }
}

/** How many of these sessions are live, and how many rest. */
export function countSessions(sessions: readonly Session[]): { inUse: number; resting: number } {
  return { inUse: sessions.filter(isLive).length, resting: sessions.filter(isResting).length };
}

function givesWay(session: Session, which: GivesWay): boolean {
  return which === 'resting' ? isResting(session) : session.state === 'opening';
}

function sameFlow({ front, back }: Session): boolean {
  return keyOf(front) === keyOf(back);
}
