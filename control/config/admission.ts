/** Who may open connections, how many and how fast: access lists, rates, limits of clients. */
import type { AddressRange } from '../../packet/address-range.ts';
import { list, object } from './shape.ts';
import { absolutePath, anyRange, name, wholeNumber } from './values.ts';

/** The longest prefix that contains a client counts; without `deny` it is a list of who may. */
export interface AccessListConfig {
  readonly name: string;
  readonly allow: readonly AddressRange[];
  readonly deny: readonly AddressRange[];
  /** One range a line; a daemon's lists have them among `allow` and `deny`. */
  readonly allowFile?: string | undefined;
  readonly denyFile?: string | undefined;
}

export interface RateLimit {
  readonly connectionsPerSecond: number;
  /** Connections at once, after a pause. */
  readonly burst: number;
}

export interface PerClientConfig {
  /** What is one client: addresses that have so many bits in common. */
  readonly prefix: number;
  readonly rate?: RateLimit | undefined;
  /** 0: no limit. */
  readonly maxSessions: number;
  readonly maxOpening: number;
}

// An interval of less than a microsecond would be no exact number of nanoseconds.
const RATE_MAX = 1_000_000;
// A client's sessions are counted in 16 bits.
const CLIENT_SESSIONS_MAX = 65_534;

export const accessListSchema = object({
  name: name(),
  allow: list(anyRange()).default([]),
  deny: list(anyRange()).default([]),
  allowFile: absolutePath().optional(),
  denyFile: absolutePath().optional(),
});

const rate = () => wholeNumber(1, RATE_MAX, 'sizes');

export const rateLimitSchema = object({
  connectionsPerSecond: rate(),
  burst: rate().optional(),
}).transform(({ connectionsPerSecond, burst }): RateLimit => ({
  connectionsPerSecond,
  burst: burst ?? connectionsPerSecond,
}));

export const perClientSchema = object({
  prefix: wholeNumber(1, 32).default(32),
  connectionsPerSecond: rate().optional(),
  burst: rate().optional(),
  maxSessions: wholeNumber(0, CLIENT_SESSIONS_MAX, 'sizes').default(0),
  maxOpening: wholeNumber(0, CLIENT_SESSIONS_MAX, 'sizes').default(0),
}).transform(({ prefix, connectionsPerSecond, burst, ...limits }): PerClientConfig => ({
  prefix,
  ...limits,
  rate:
    connectionsPerSecond === undefined
      ? undefined
      : { connectionsPerSecond, burst: burst ?? connectionsPerSecond },
}));
