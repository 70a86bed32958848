/**
 * Finds a port that is free towards one server. Whether it is free is not looked up in
 * a list of ports but asked of the session table: whose tuple is it? The work per SYN
 * is bounded, and counted.
 */
import { port, type Port } from '../../packet/index.ts';
import type { PortsView } from './data-path.ts';
import { permutationBits, permute, type Secret } from './ports.ts';
import type { Session } from './session.ts';
import { countSessions } from './session-table.ts';
import type { Chance } from './world.ts';

/** The ports of one local towards one backend; in an agent, the remap range of one backend. */
export interface Pair {
  readonly local: number;
  readonly backend: number;
}

export interface PortRange {
  readonly low: number;
  readonly high: number;
}

interface Range {
  allocated: number;
  probes: number;
  failed: number;
  /** The next place in the secret order. */
  cursor: number;
}

/** Places of the permutation looked at, and those of them inside the range, each a try. */
const STEPS_MAX = 256;
const TRIES_MAX = 64;

export class PortRanges {
  readonly #ranges = new Map<string, Range & Pair>();
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The first port from the cursor on that `isFree` says is free; `isFull` spares the search. */
  search(
    pair: Pair,
    { low, high }: PortRange,
    secret: Secret,
    isFull: boolean,
    isFree: (candidate: Port) => boolean,
  ): Port | undefined {
    const range = this.#rangeOf(pair);
    const count = high - low + 1;
    const [bits, tweak] = [permutationBits(count), ((pair.local << 16) ^ pair.backend) >>> 0];
    let [found, tries]: [Port | undefined, number] = [undefined, 0];
    for (let step = 0; !isFull && step < STEPS_MAX; step++) {
      const offset = permute(range.cursor, bits, secret, tweak);
      range.cursor = (range.cursor + 1) >>> 0;
      if (offset >= count) continue;
      tries += 1;
      if (isFree(port(low + offset))) found = port(low + offset);
      if (found !== undefined || tries >= TRIES_MAX) break;
    }
    range.probes += tries;
    range[found === undefined ? 'failed' : 'allocated'] += 1;
    return found;
  }

  view(sessions: readonly Session[]): Record<string, PortsView> {
    const views = [...this.#ranges].map(([key, { local, backend, allocated, probes, failed }]) => {
      const own = sessions.filter((one) => one.local === local && one.backend === backend);
      return [key, { allocated, probes, failed, ...countSessions(own) }] as const;
    });
    return Object.fromEntries(views);
  }

  #rangeOf({ local, backend }: Pair): Range {
    const key = `${local}/${backend}`;
    const known = this.#ranges.get(key);
    if (known) return known;
    const cursor = this.#chance.portStart();
    const range = { local, backend, allocated: 0, probes: 0, failed: 0, cursor };
    this.#ranges.set(key, range);
    return range;
  }
}
