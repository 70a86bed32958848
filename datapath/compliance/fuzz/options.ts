/** The command line of npm run fuzz. */
import { parseArgs } from 'node:util';

export interface FuzzOptions {
  /** Of all jobs of a unit together. */
  readonly counts: Readonly<Record<'conversations' | 'frames', number>>;
  /** When this has gone by it is enough, whatever was done. */
  readonly forSeconds: number;
  readonly seed: number;
}

export const USAGE = `npm run fuzz -- [conversations|frames] [--count N] [--for DURATION] [--seed S]

  conversations   random conversations, programs against model (200,000)
  frames          mutated frames, programs against model (10,000,000)
  --count N       so many of them
  --for DURATION  stops after 90s, 30m or 8h
  --seed S        the same ones as the run that printed it
`;

const COUNTS = { conversations: 200_000, frames: 10_000_000 };
const SECONDS = { s: 1, m: 60, h: 3600 } as const;
const SEED_MAX = 2 ** 30;

export function fuzzOptions(argv: readonly string[], someSeed: number): FuzzOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      count: { type: 'string' },
      for: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const [what, ...more] = positionals;
  if (more.length > 0 || (what !== undefined && what !== 'conversations' && what !== 'frames'))
    throw new RangeError(`what to fuzz is conversations or frames, got ${positionals.join(' ')}`);
  if (values.count !== undefined && what === undefined)
    throw new RangeError('--count needs conversations or frames before it');
  const count = values.count === undefined ? undefined : integer('count', values.count, 1e12);
  const of = (unit: 'conversations' | 'frames') =>
    what === undefined || what === unit ? (count ?? COUNTS[unit]) : 0;
  return {
    counts: { conversations: of('conversations'), frames: of('frames') },
    forSeconds: values.for === undefined ? Infinity : seconds(values.for),
    seed: values.seed === undefined ? someSeed % SEED_MAX : integer('seed', values.seed, SEED_MAX),
  };
}

function integer(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max)
    throw new RangeError(`--${name} must be an integer in 0..${max}, got ${text}`);
  return value;
}

function seconds(text: string): number {
  const [, number, unit] = /^(\d+)([smh])$/.exec(text) ?? [];
  if (unit !== 's' && unit !== 'm' && unit !== 'h')
    throw new RangeError(`--for must be a time like 90s, 30m or 8h, got ${text}`);
  return Number(number) * SECONDS[unit];
}
