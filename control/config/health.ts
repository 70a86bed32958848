/** How backends are checked: by a connection, or by a request. */
import { z } from 'zod';
import type { Ipv4Address } from '../../packet/address.ts';
import { list, object, oneOf, scalar, yesOrNo, type Read } from './shape.ts';
import { show } from './problem.ts';
import { duration, hostAddress, wholeNumber } from './values.ts';

export type HealthConfig =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'tcp' | 'http';
      /** Of kind http. */
      readonly http?: HttpCheck | undefined;
      /** Instead of the backend's own. */
      readonly port?: number | undefined;
      /** Checks come from this address; the machine chooses where there is none. */
      readonly source?: Ipv4Address | undefined;
      readonly intervalMs: number;
      readonly timeoutMs: number;
      /** Successes in a row that bring a backend up. */
      readonly rise: number;
      /** Failures in a row that take it down. */
      readonly fall: number;
      readonly backOff: BackOffConfig;
      readonly flapping: FlappingConfig;
    };

/** The long dead are checked less often. */
export interface BackOffConfig {
  /** Failed checks in a row of a backend that is down: the interval doubles with each further one. */
  readonly after: number;
  /** The longest interval. */
  readonly mostMs: number;
}

/** Who goes down too often is held down. */
export interface FlappingConfig {
  /** 0: never. */
  readonly falls: number;
  readonly withinMs: number;
  /** The first time; doubled with each further one. */
  readonly holdMs: number;
  readonly mostMs: number;
}

export interface StatusRange {
  readonly low: number;
  readonly high: number;
}

export interface HttpCheck {
  readonly method: 'GET' | 'HEAD' | 'OPTIONS';
  readonly path: string;
  /** The address when the file gives none. */
  readonly host?: string | undefined;
  readonly statuses: readonly StatusRange[];
  /** What the beginning of the answer must contain. */
  readonly body?: string | undefined;
  readonly tls?: { readonly verify: boolean; readonly serverName?: string | undefined } | undefined;
}

const STATUS_DEFAULT: StatusRange[] = [{ low: 200, high: 399 }];
const CHECK_DEFAULT = { interval: 1_000, timeout: 500, rise: 2, fall: 3 } as const;
const CHECK_MOST_MS = 3_600_000;
/** A minute at the default interval: restarts are over by then. */
const BACK_OFF_AFTER = 60;
const BACK_OFF_TIMES = 8;
/** A backend that needs five seconds to fall and to rise may do so for half a minute. */
const FLAPPING_DEFAULT = { falls: 5, within: 120_000, hold: 30_000, most: 600_000 } as const;
const FLAPPING_MOST_MS = 86_400_000;

const httpKeys = {
  method: oneOf(['GET', 'HEAD', 'OPTIONS']).default('GET'),
  path: line(/^\/[\x21-\x7e]*$/, 'must begin with / and have no spaces').default('/'),
  host: line(/^[\x21-\x7e]{1,255}$/, 'must be a host name, with a port or without').optional(),
  status: list(statusRange()).default(STATUS_DEFAULT),
  body: line(/^[^]{1,1024}$/, 'must be 1 to 1024 characters').optional(),
};

const httpSchema = object(httpKeys).transform(({ status, ...rest }): HttpCheck => ({
  ...rest,
  statuses: status,
}));

const httpsSchema = object({
  ...httpKeys,
  verify: yesOrNo().default(true),
  serverName: line(/^[A-Za-z0-9.-]{1,253}$/, 'must be a host name').optional(),
}).transform(({ status, verify, serverName, ...rest }): HttpCheck => ({
  ...rest,
  statuses: status,
  tls: { verify, serverName },
}));

const checkSchema = object({
  tcp: object({}).optional(),
  http: httpSchema.optional(),
  https: httpsSchema.optional(),
  port: wholeNumber(1, 65_535).optional(),
  source: hostAddress('hosts-and-loopback').optional(),
  interval: duration(10, CHECK_MOST_MS).default(CHECK_DEFAULT.interval),
  timeout: duration(10, CHECK_MOST_MS).default(CHECK_DEFAULT.timeout),
  rise: wholeNumber(1, 1_000).default(CHECK_DEFAULT.rise),
  fall: wholeNumber(1, 1_000).default(CHECK_DEFAULT.fall),
  backOff: object({
    after: wholeNumber(1, 1_000_000).default(BACK_OFF_AFTER),
    most: duration(10, CHECK_MOST_MS).optional(),
  }).optional(),
  flapping: object({
    falls: wholeNumber(0, 1_000).default(FLAPPING_DEFAULT.falls),
    within: duration(1_000, FLAPPING_MOST_MS).default(FLAPPING_DEFAULT.within),
    hold: duration(1_000, FLAPPING_MOST_MS).default(FLAPPING_DEFAULT.hold),
    most: duration(1_000, FLAPPING_MOST_MS).default(FLAPPING_DEFAULT.most),
  }).default(FLAPPING_DEFAULT),
}).transform(({ tcp, http, https, ...given }, context): HealthConfig => {
  const { port, source, backOff, flapping } = given;
  const kinds = Object.entries({ tcp, http, https }).filter(([, check]) => check !== undefined);
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
    ...(source === undefined ? {} : { source }),
    intervalMs: given.interval,
    timeoutMs: given.timeout,
    rise: given.rise,
    fall: given.fall,
    backOff: {
      after: backOff?.after ?? BACK_OFF_AFTER,
      mostMs: backOff?.most ?? BACK_OFF_TIMES * given.interval,
    },
    flapping: {
      falls: flapping.falls,
      withinMs: flapping.within,
      holdMs: flapping.hold,
      mostMs: flapping.most,
    },
  };
});

/** `off`, or how to check. */
export const healthSchema = () =>
  z
    .unknown()
    .transform((value, context): HealthConfig => {
      if (value === 'off') return { kind: 'off' };
      if (typeof value === 'string' || typeof value === 'boolean') {
        const message = `must be 'off', or keys and values like { tcp: {}, interval: 1s }, got ${show(value)}`;
        context.issues.push({ code: 'custom', message, input: value });
        return z.NEVER;
      }
      const read = checkSchema.safeParse(value);
      if (read.success) return read.data;
      const issues = read.error.issues.map((issue) => ({ ...issue, input: value }));
      context.issues.push(...(issues as z.core.$ZodRawIssue[]));
      return z.NEVER;
    })
    .default(() => checkSchema.parse({}));

/** `200`, or `200-299`. */
function statusRange(): z.ZodType<StatusRange> {
  return scalar((value): Read<StatusRange> => {
    const [, low, high] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(value)) ?? [];
    if (low === undefined || Number(high ?? low) < Number(low))
      return {
        ok: false,
        message: `must be a status like 200, or a range like 200-299, got ${show(value)}`,
      };
    return { ok: true, value: { low: Number(low), high: Number(high ?? low) } };
  });
}

function line(pattern: RegExp, allowed: string) {
  return scalar((value): Read<string> =>
    typeof value === 'string' && pattern.test(value)
      ? { ok: true, value }
      : { ok: false, message: `${allowed}, got ${show(value)}` },
  );
}
