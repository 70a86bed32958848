/** How backends are checked: by a connection, or by a request. */
import type { z } from 'zod';
import { list, object, oneOf, scalar, yesOrNo, type Read } from './shape.ts';
import { show } from './problem.ts';
import { wholeNumber } from './values.ts';

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

const httpKeys = {
  method: oneOf(['GET', 'HEAD', 'OPTIONS']).default('GET'),
  path: line(/^\/[\x21-\x7e]*$/, 'must begin with / and have no spaces').default('/'),
  host: line(/^[\x21-\x7e]{1,255}$/, 'must be a host name, with a port or without').optional(),
  status: list(statusRange()).default(STATUS_DEFAULT),
  body: line(/^[^]{1,1024}$/, 'must be 1 to 1024 characters').optional(),
};

export const httpSchema = object(httpKeys).transform(({ status, ...rest }): HttpCheck => ({
  ...rest,
  statuses: status,
}));

export const httpsSchema = object({
  ...httpKeys,
  verify: yesOrNo().default(true),
  serverName: line(/^[A-Za-z0-9.-]{1,253}$/, 'must be a host name').optional(),
}).transform(({ status, verify, serverName, ...rest }): HttpCheck => ({
  ...rest,
  statuses: status,
  tls: { verify, serverName },
}));

export const checkPort = () => wholeNumber(1, 65_535).optional();

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
