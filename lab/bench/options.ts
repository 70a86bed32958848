/** The command line of the bench. */

import { parseArgs } from 'node:util';
import { CONTENDERS, type ContenderName } from './contenders.ts';

export const PARTS = [
  'connections',
  'latency',
  'requests',
  'bulk',
  'accept',
  'programs',
  'memory',
  'apply',
  'expiry',
  'trace',
] as const;
export type Part = (typeof PARTS)[number];

export type BenchOptions = {
  rounds: number;
  /** Of every single measurement. */
  seconds: number;
  only: readonly Part[];
  /** Which contenders take part. */
  ways: readonly ContenderName[];
  output: 'table' | 'json';
  save: boolean;
};

export const USAGE = `npm run bench -- [--rounds N] [--seconds S] [--only PART[,PART…]] [--ways WAY[,WAY…]] [-o table|json] [--save]

  --rounds N    how often everything is measured; the median is shown (3)
  --seconds S   how long each measurement takes (3)
  --only PART   ${PARTS.join(', ')}
  --ways WAY    ${CONTENDERS.join(', ')}
                (all); of connections, latency, requests and bulk
  -o json       the figures of every round, on standard output; progress goes to standard error
  --save        also write them to bench/results/DATE.json
`;

export function benchOptions(argv: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      only: { type: 'string', multiple: true, default: [PARTS.join(',')] },
      ways: { type: 'string', multiple: true, default: [CONTENDERS.join(',')] },
      output: { type: 'string', short: 'o', default: 'table' },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    rounds: integer('rounds', values.rounds, 1, 100),
    // iperf3 and wrk take whole seconds.
    seconds: integer('seconds', values.seconds, 1, 60),
    only: values.only
      .flatMap((words) => words.split(','))
      .map((word) => oneOf('only', PARTS, word)),
    ways: values.ways
      .flatMap((words) => words.split(','))
      .map((word) => oneOf('ways', CONTENDERS, word)),
    output: oneOf('output', ['table', 'json'] as const, values.output),
    save: values.save,
  };
}

function integer(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`--${name} must be an integer in ${low}..${high}, got ${text}`);
  return value;
}

function oneOf<T extends string>(name: string, words: readonly T[], text: string): T {
  const word = words.find((each) => each === text);
  if (word === undefined)
    throw new RangeError(`--${name} must be one of ${words.join(', ')}; got ${text}`);
  return word;
}
