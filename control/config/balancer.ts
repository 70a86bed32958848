/** The balancer's configuration: its schema, and the plain value the daemon works from. */
import { z } from 'zod';
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
import { checkPort, httpSchema, httpsSchema, type HttpCheck } from './health.ts';
import { show } from './problem.ts';
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
  /** How the portable engine tells backends the client. */
  readonly proxyProtocol: 'off' | 'v2';
  readonly backends: readonly BackendConfig[];
}

/** What becomes of the sessions of a backend that is drained, or no longer in the file. */
export interface DrainConfig {
  readonly durationMs: number;
  readonly afterwards: 'keep' | 'reset';
}

export type HealthConfig =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'tcp' | 'http';
      /** Of kind http. */
      readonly http?: HttpCheck | undefined;
      /** Instead of the backend's own. */
      readonly port?: number | undefined;
      readonly intervalMs: number;
      readonly timeoutMs: number;
      /** Successes in a row that bring a backend up. */
      readonly rise: number;
      /** Failures in a row that take it down. */
      readonly fall: number;
    };

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

const HEALTH_DEFAULT = {
  kind: 'tcp',
  intervalMs: 1_000,
  timeoutMs: 500,
  rise: 2,
  fall: 3,
} as const;
const DRAIN_DEFAULT = { for: 300_000, afterwards: 'reset' } as const;
/** Three weeks: time in the kernel's tables comes round after seven. */
const DRAIN_MOST_MS = 1_814_400_000;
const LOCAL_PORTS_DEFAULT = { low: 1_024, high: 65_535 } as PortRange;
const CHECK_MOST_MS = 3_600_000;

const checkedHealth = object({
  tcp: object({}).optional(),
  http: httpSchema.optional(),
  https: httpsSchema.optional(),
  port: checkPort(),
  interval: duration(10, CHECK_MOST_MS).default(HEALTH_DEFAULT.intervalMs),
  timeout: duration(10, CHECK_MOST_MS).default(HEALTH_DEFAULT.timeoutMs),
  rise: wholeNumber(1, 1_000).default(HEALTH_DEFAULT.rise),
  fall: wholeNumber(1, 1_000).default(HEALTH_DEFAULT.fall),
}).transform(({ tcp, http, https, port, interval, timeout, rise, fall }, context): HealthConfig => {
  const kinds = Object.entries({ tcp, http, https }).filter(([, given]) => given !== undefined);
  if (kinds.length > 1)
    context.issues.push({
      code: 'custom',
      message: `one check is possible, got ${kinds.map(([kind]) => kind).join(' and ')}`,
      input: undefined,
    });
  const request = http ?? https;
  return {
    kind: request === undefined ? 'tcp' : 'http',
    ...(request === undefined ? {} : { http: request }),
    ...(port === undefined ? {} : { port }),
    intervalMs: interval,
    timeoutMs: timeout,
    rise,
    fall,
  };
});

/** `off`, or how to check. */
const healthSchema = z.unknown().transform((value, context): HealthConfig => {
  if (value === 'off') return { kind: 'off' };
  if (typeof value === 'string' || typeof value === 'boolean') {
    const message = `must be 'off', or keys and values like { tcp: {}, interval: 1s }, got ${show(value)}`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  }
  const read = checkedHealth.safeParse(value);
  if (read.success) return read.data;
  const issues = read.error.issues.map((issue) => ({ ...issue, input: value }));
  context.issues.push(...(issues as z.core.$ZodRawIssue[]));
  return z.NEVER;
});

const backendSchema = object({
  address: hostEndpoint('hosts-and-loopback'),
  weight: wholeNumber(0, 65_535).default(1),
  backup: yesOrNo().default(false),
  maxSessions: wholeNumber(0, 0xffff_ffff, 'sizes').default(0),
  name: name().optional(),
});

const poolSchema = object({
  name: name(),
  health: healthSchema.default(HEALTH_DEFAULT),
  ...scheduleKeys,
  drain: object({
    for: duration(0, DRAIN_MOST_MS).default(DRAIN_DEFAULT.for),
    afterwards: oneOf(['keep', 'reset']).default(DRAIN_DEFAULT.afterwards),
  }).default(DRAIN_DEFAULT),
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
      backends: pool.backends.map((backend) => ({
        ...backend,
        name: backend.name ?? formatEndpoint(backend.address),
      })),
    })),
  };
}
