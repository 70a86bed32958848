/** The balancer's configuration: its schema, and the plain value the daemon works from. */
import type { z } from 'zod';
import { apiSchema, type ApiConfig } from './api.ts';
import type { AddressRange, PortRange } from '../../packet/address-range.ts';
import { formatEndpoint, type Endpoint } from '../../packet/address.ts';
import {
  completeSessions,
  completeTimeouts,
  PROFILES,
  sessionsSchema,
  TIMEOUTS,
  timeoutsSchema,
  type Profile,
  type SessionLimits,
  type Timeouts,
} from './common.ts';
import {
  accessListSchema,
  perClientSchema,
  rateLimitSchema,
  type AccessListConfig,
  type PerClientConfig,
  type RateLimit,
} from './admission.ts';
import { healthSchema, type HealthConfig } from './health.ts';
import {
  completeSchedule,
  scheduleKeys,
  type PersistenceConfig,
  type SchedulerConfig,
} from './schedule.ts';
import { list, object, oneOf, yesOrNo } from './shape.ts';
import {
  duration,
  hostEndpoint,
  hostRange,
  instanceName,
  interfaceName,
  name,
  portRange,
  wholeNumber,
} from './values.ts';

/** Programs in the kernel, or the daemon's own process. */
export type EngineKind = 'ebpf' | 'proxy';

/** `auto`: the kernel's where it can run, else the portable one. */
export type EngineChoice = EngineKind | 'auto';

export interface BalancerConfig {
  readonly role: 'balancer';
  readonly instance: string;
  readonly api?: ApiConfig | undefined;
  readonly engine: EngineChoice;
  readonly interfaces: readonly string[];
  readonly profile: Profile;
  readonly timeouts: Timeouts;
  readonly sessions: SessionLimits;
  readonly locals: readonly LocalsConfig[];
  readonly accessLists: readonly AccessListConfig[];
  readonly listeners: readonly ListenerConfig[];
  readonly pools: readonly PoolConfig[];
}

/** Sources towards backends: every address with every port of the range. */
export interface LocalsConfig {
  readonly addresses: AddressRange;
  readonly ports: PortRange;
}

export interface ListenerConfig {
  /** The address when the file gives none. */
  readonly name: string;
  readonly address: Endpoint;
  /** Name of a pool of this configuration. */
  readonly pool: string;
  readonly toa: 'off' | 'syn' | 'handshake';
  readonly onUnknown: 'reset' | 'drop';
  readonly onRefused: 'reset' | 'drop' | 'icmp';
  /** 0: no limit of its own. */
  readonly maxSessions: number;
  readonly synProtection: 'off' | 'auto' | 'always';
  /** Half-open sessions from which on `auto` answers SYNs with cookies. */
  readonly synThreshold: number;
  /** Name of an access list of this configuration. */
  readonly access?: string | undefined;
  readonly rateLimit?: RateLimit | undefined;
  readonly perClient?: PerClientConfig | undefined;
}

export interface PoolConfig {
  readonly name: string;
  readonly health: HealthConfig;
  readonly scheduler: SchedulerConfig;
  readonly persistence?: PersistenceConfig | undefined;
  /** From the first to the whole weight of a backend that has come up; 0: at once. */
  readonly slowStartMs: number;
  /** Percent of backends that must be well, else all are used; 0: never. */
  readonly panicThreshold: number;
  readonly drain: DrainConfig;
  /** What becomes of live sessions when checks find their backend down. */
  readonly onDown: 'keep' | 'reset';
  /** How the portable engine tells backends the client. */
  readonly proxyProtocol: 'off' | 'v2';
  readonly backends: readonly BackendConfig[];
}

/** What becomes of the sessions of a backend that is drained, or no longer in the file. */
export interface DrainConfig {
  readonly durationMs: number;
  readonly afterwards: 'keep' | 'reset';
}

export interface BackendConfig {
  /** The address when the file gives none. */
  readonly name: string;
  readonly address: Endpoint;
  readonly weight: number;
  /** Used when no other is well. */
  readonly backup: boolean;
  /** 0: no limit. */
  readonly maxSessions: number;
}

const DRAIN_DEFAULT = { for: 300_000, afterwards: 'reset' } as const;
/** Three weeks: time in the kernel's tables comes round after seven. */
const DRAIN_MOST_MS = 1_814_400_000;
const LOCAL_PORTS_DEFAULT = { low: 1_024, high: 65_535 } as PortRange;

const backendSchema = object({
  address: hostEndpoint('hosts-and-loopback'),
  weight: wholeNumber(0, 65_535).default(1),
  backup: yesOrNo().default(false),
  maxSessions: wholeNumber(0, 0xffff_ffff, 'sizes').default(0),
  name: name().optional(),
});

const poolSchema = object({
  name: name(),
  health: healthSchema(),
  ...scheduleKeys,
  drain: object({
    for: duration(0, DRAIN_MOST_MS).default(DRAIN_DEFAULT.for),
    afterwards: oneOf(['keep', 'reset']).default(DRAIN_DEFAULT.afterwards),
  }).default(DRAIN_DEFAULT),
  onDown: oneOf(['keep', 'reset']).default('keep'),
  proxyProtocol: oneOf(['off', 'v2']).default('off'),
  backends: list(backendSchema).default([]),
});

const listenerSchema = object({
  name: name().optional(),
  address: hostEndpoint('hosts-and-loopback'),
  pool: name(),
  toa: oneOf(['off', 'syn', 'handshake']).optional(),
  onUnknown: oneOf(['reset', 'drop']).default('reset'),
  onRefused: oneOf(['reset', 'drop', 'icmp']).default('reset'),
  maxSessions: wholeNumber(0, 0xffff_ffff, 'sizes').default(0),
  synProtection: oneOf(['off', 'auto', 'always']).default('auto'),
  synThreshold: wholeNumber(1, 0xffff_ffff, 'sizes').optional(),
  access: name().optional(),
  rateLimit: rateLimitSchema.optional(),
  perClient: perClientSchema.optional(),
});

const localsSchema = object({
  addresses: hostRange('hosts-and-loopback'),
  ports: portRange().default(LOCAL_PORTS_DEFAULT),
});

/** Lists may be empty here: that they must not be is a check of its own. */
export const balancerSchema = object({
  instance: instanceName().default('default'),
  api: apiSchema.optional(),
  engine: oneOf(['ebpf', 'proxy', 'auto']).default('ebpf'),
  interfaces: list(interfaceName()).default([]),
  profile: oneOf(PROFILES).default('lb'),
  timeouts: timeoutsSchema(),
  sessions: sessionsSchema(),
  locals: list(localsSchema).default([]),
  accessLists: list(accessListSchema).default([]),
  listeners: list(listenerSchema).default([]),
  pools: list(poolSchema).default([]),
});

export function completeBalancer(given: z.output<typeof balancerSchema>): BalancerConfig {
  const sessions = completeSessions(given.sessions);
  const quarter = Math.max(1, Math.floor(sessions.openingMax / 4));
  return {
    role: 'balancer',
    instance: given.instance,
    ...(given.api === undefined ? {} : { api: given.api }),
    engine: given.engine,
    interfaces: given.interfaces,
    profile: given.profile,
    timeouts: completeTimeouts(given.timeouts, TIMEOUTS[given.profile]),
    sessions,
    locals: given.locals,
    accessLists: given.accessLists,
    listeners: given.listeners.map((listener) => ({
      ...listener,
      name: listener.name ?? formatEndpoint(listener.address),
      toa: listener.toa ?? (given.engine === 'proxy' ? 'off' : 'syn'),
      synThreshold: listener.synThreshold ?? quarter,
    })),
    pools: given.pools.map((pool) => ({
      name: pool.name,
      health: pool.health,
      proxyProtocol: pool.proxyProtocol,
      ...completeSchedule(pool),
      slowStartMs: pool.slowStart,
      panicThreshold: pool.panicThreshold,
      drain: { durationMs: pool.drain.for, afterwards: pool.drain.afterwards },
      onDown: pool.onDown,
      backends: pool.backends.map((backend) => ({
        ...backend,
        name: backend.name ?? formatEndpoint(backend.address),
      })),
    })),
  };
}
