/** Events that the kernel could not hand over: nobody read them in time, and the ring was full. */
import type { Troubles } from './troubles.ts';

export type LostEventsParts = {
  /** Note `event-lost`, since the programs were loaded. */
  readonly count: () => number;
  readonly troubles: Troubles;
};

export class LostEvents {
  readonly #parts: LostEventsParts;
  #told: number;

  constructor(parts: LostEventsParts) {
    this.#parts = parts;
    this.#told = parts.count();
  }

  follow(): void {
    const { count, troubles } = this.#parts;
    const lost = count() - this.#told;
    if (lost <= 0) return;
    this.#told += lost;
    const message = 'events are lost: they come faster than they are read; counters have them all';
    troubles.tell('event-lost', { lost }, message, lost);
  }
}
