/** How a pool's new connections are shared out among its backends. */
import { object, oneOf } from './shape.ts';
import { duration, wholeNumber } from './values.ts';

export type SchedulerConfig =
  | { readonly kind: 'round-robin' | 'least-connections' }
  | {
      readonly kind: 'source-hash' | 'maglev';
      readonly hashOn: 'client' | 'connection';
      /** The balancer's own secret when the file gives none. */
      readonly seed?: number | undefined;
    };

/** A client comes back to its backend. */
export interface PersistenceConfig {
  /** After its last new connection. */
  readonly timeoutSeconds: number;
  /** What is one client: addresses that have so many bits in common. */
  readonly prefix: number;
}

export const SCHEDULERS = ['round-robin', 'least-connections', 'source-hash', 'maglev'] as const;
/** The kernel has 16 bits for it. */
const PERSISTENCE_MOST_MS = 65_535_000;
const SLOW_START_MOST_MS = 3_600_000;

/** Keys of a pool. */
export const scheduleKeys = {
  scheduler: oneOf(SCHEDULERS).default('round-robin'),
  hashOn: oneOf(['client', 'connection']).optional(),
  hashSeed: wholeNumber(0, 0xffff_ffff).optional(),
  persistence: object({
    timeout: duration(1_000, PERSISTENCE_MOST_MS).default(300_000),
    prefix: wholeNumber(1, 32).default(32),
  }).optional(),
  slowStart: duration(0, SLOW_START_MOST_MS).default(0),
  panicThreshold: wholeNumber(0, 100).default(0),
};

export interface GivenSchedule {
  readonly scheduler: (typeof SCHEDULERS)[number];
  readonly hashOn?: 'client' | 'connection' | undefined;
  readonly hashSeed?: number | undefined;
  readonly persistence?: { readonly timeout: number; readonly prefix: number } | undefined;
}

export function completeSchedule({ scheduler, hashOn, hashSeed, persistence }: GivenSchedule): {
  scheduler: SchedulerConfig;
  persistence?: PersistenceConfig;
} {
  const isHashing = scheduler === 'source-hash' || scheduler === 'maglev';
  return {
    scheduler: isHashing
      ? { kind: scheduler, hashOn: hashOn ?? 'client', seed: hashSeed }
      : { kind: scheduler },
    ...(persistence === undefined
      ? {}
      : {
          persistence: {
            timeoutSeconds: Math.ceil(persistence.timeout / 1_000),
            prefix: persistence.prefix,
          },
        }),
  };
}
