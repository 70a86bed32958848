/** The command line of the soak. */

import { parseArgs } from 'node:util';
import { parseDurationMs } from '../../control/config/duration.ts';
import { certain } from '../../packet/parsed.ts';

export type SoakOptions = {
  /** Ends after so many faults, or after so long. */
  until: { kind: 'faults'; count: number } | { kind: 'time'; ms: number };
  held: number;
  /** New connections; undefined: the most that this machine does in time. */
  perSecond: number | undefined;
};

export const USAGE = `npm run soak -- [--faults N | --for TIME] [--held N] [--rate N]

  --faults N    so many faults, one after another (100): daemons killed, stopped, replaced by the next
                version, reloaded, given files with mistakes
  --for TIME    so long, 30m for example: faults that end daemons during the first fifth, then reloads
                alone, so that what a process keeps would be seen to grow
  --held N      connections that send all the time (1000)
  --rate N      new connections a second (the most that this machine answers in time)
`;

export function soakOptions(argv: readonly string[]): SoakOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      faults: { type: 'string' },
      for: { type: 'string' },
      held: { type: 'string', default: '1000' },
      rate: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.faults !== undefined && values.for !== undefined)
    throw new RangeError('give --faults or --for, not both');
  return {
    until:
      values.for === undefined
        ? { kind: 'faults', count: integer('faults', values.faults ?? '100', 100_000) }
        : { kind: 'time', ms: certain(parseDurationMs(values.for)) },
    held: integer('held', values.held, 20_000),
    perSecond: values.rate === undefined ? undefined : integer('rate', values.rate, 10_000),
  };
}

function integer(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new RangeError(`--${name} must be an integer in 1..${most}, got ${text}`);
  return value;
}
