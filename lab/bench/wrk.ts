/** wrk: how it is called, and what its report says. */

export type WrkReport = { requests: number; seconds: number; errors: number };

/** At once per program; two programs run side by side. */
const CONNECTIONS = 32;

export type WrkOptions = { seconds: number; keepAlive: boolean; connections?: number };

export function wrkArgv(url: string, options: WrkOptions): string[] {
  return [
    ...['wrk', '-t1', `-c${options.connections ?? CONNECTIONS}`, `-d${options.seconds}s`],
    ...(options.keepAlive ? [] : ['-H', 'Connection: close']),
    url,
  ];
}

/** Errors are of sockets (connect, read, write, timeout) and answers other than 2xx and 3xx. */
export function parseWrk(text: string): WrkReport {
  const [, requests, time, unit] = /(\d+) requests in ([\d.]+)(us|ms|s|m|h),/.exec(text) ?? [];
  if (requests === undefined || time === undefined || unit === undefined)
    throw new RangeError(`not a report of wrk: ${text}`);
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const answers = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  return {
    requests: Number(requests),
    seconds: Number(time) * SECONDS_OF[unit as keyof typeof SECONDS_OF],
    errors: [...(sockets ?? []).slice(1), ...(answers ?? []).slice(1)]
      .map(Number)
      .reduce((sum, one) => sum + one, 0),
  };
}

const SECONDS_OF = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
