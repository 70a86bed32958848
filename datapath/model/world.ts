/** What is around the data path and not decided by it: time, chance, and the kernel's routes. */
import type { Ipv4Address, MacAddress } from '../../packet/index.ts';
import type { Side } from './data-path.ts';
import type { Flow } from './flow.ts';
import type { SessionState } from './words.ts';

export interface World {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly network: Network;
  readonly cookies: Cookies;
}

/** 2^20 ns, about a millisecond: the unit of time in the session table. */
export type Ticks = number;

export interface Clock {
  now(): Ticks;
}

export interface Chance {
  /** Where in the secret order of its ports a range is entered for the first time. */
  portStart(): number;
  /** One of these, or none: a look at a place of the table that nobody uses. */
  pick<T extends Evictable>(some: readonly T[]): T | undefined;
  /** A sequence shift of at least so much, and less than 2^24 beyond: not to be guessed. */
  leapOf(least: number): number;
}

/** What chance may know of a session. */
export interface Evictable {
  readonly front: Flow;
  readonly back: Flow;
  readonly state: SessionState;
}

/** The kernel's SYN cookies: a keyed hash of tuple, ISN and one of four segment sizes. */
export interface Cookies {
  make(flow: Flow, isn: number, mssBytes: number): number;
  /** The segment size of a cookie; undefined when it is none. */
  mssOf(flow: Flow, isn: number, cookie: number): number | undefined;
}

export interface Network {
  /** The balancer's own interface on this side; frames for other addresses are not for us. */
  ownAddress(side: Side): MacAddress;
  /** Where a packet to this address goes that came in from this side. */
  route(to: Ipv4Address, from: Side): Route;
}

export type Route =
  | {
      readonly kind: 'next-hop';
      readonly source: MacAddress;
      readonly destination: MacAddress;
      readonly mtuBytes: number;
    }
  /** The kernel asks for the neighbour, keeps the packet meanwhile and writes its link-layer header. */
  | { readonly kind: 'unresolved'; readonly mtuBytes: number }
  | { readonly kind: 'none' };

/** How often a busy session is written, and the pause between two events of one type: 1 s. */
export const SECOND_TICKS = 954;

const NANOSECONDS_PER_TICK = 2 ** 20;

export function nanosecondsFromTicks(ticks: Ticks): number {
  return ticks * NANOSECONDS_PER_TICK;
}

/** Rounded up, so that a timeout is never 0 unless asked to be. */
export function ticksFromSeconds(seconds: number): Ticks {
  return Math.ceil((seconds * 1e9) / NANOSECONDS_PER_TICK);
}
