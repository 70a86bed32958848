/** Chance that follows the programs: what they left to chance the model does alike, if it was allowed. */
import {
  tupleOf,
  type Chance,
  type Evictable,
  type Outcome,
  type State,
} from '../../model/index.ts';

/** A new sequence number is less than this beyond the last one of the connection before. */
const LEAP_MAX = 0xff_ffff;

export class FollowingChance implements Chance {
  readonly #portStart: number;
  #subject = '';
  #notes: Outcome['notes'] = [];
  #state: State | undefined;
  #after: () => State = () => {
    throw new Error('no packet was followed yet');
  };

  /** `portStart` is what the programs were told, too. */
  constructor(portStart: number) {
    this.#portStart = portStart;
  }

  /** The packet with the tuple `subject` has been through the programs; `after` is what they hold now. */
  follow(subject: string, { notes }: Outcome, after: () => State): void {
    this.#subject = subject;
    this.#notes = notes;
    this.#after = after;
    this.#state = undefined;
  }

  portStart(): number {
    return this.#portStart;
  }

  /** The one that gave way in the programs; none when none did. */
  pick<T extends Evictable>(some: readonly T[]): T | undefined {
    const [opening, resting] = [
      this.#notes.includes('opening-evicted'),
      this.#notes.includes('resting-evicted'),
    ];
    if (!opening && !resting) return undefined;
    // The packet's own session is new, though it may have the tuples of the one that gave way.
    const own = this.#own();
    const others = (this.#state ??= this.#after()).sessions.filter((session) => session !== own);
    const left = new Set(others.map(({ front, back }) => `${front} ${back}`));
    const gone = some.filter((one) => {
      const fits = opening ? one.state === 'opening' : one.state !== 'opening';
      return fits && !left.has(`${tupleOf(one.front)} ${tupleOf(one.back)}`);
    });
    // The one whose tuple the packet's session has may be gone because it was taken over.
    return gone.find((one) => tupleOf(one.back) !== own?.back) ?? gone[0];
  }

  leapOf(least: number): number {
    const shift = this.#own()?.shift.sequence ?? least;
    return (shift - least) >>> 0 <= LEAP_MAX ? shift : least;
  }

  /** The session that the packet opened; one that it took the client's side from may rest beside it. */
  #own() {
    this.#state ??= this.#after();
    return this.#state.sessions.find(
      ({ front, state }) => front === this.#subject && state === 'opening',
    );
  }
}
