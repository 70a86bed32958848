/** Command-line flags of the lab's traffic programs, read once into typed values. */

import { parseArgs } from 'node:util';

export type Endpoint = { host: string; port: number };
export type PortRange = { low: number; high: number };
export type Flags = Readonly<Record<string, string | undefined>>;

/** Reads `--name value` flags; a name that is not listed is an error. */
export function readFlags(argv: readonly string[], names: readonly string[]): Flags {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  return parseArgs({ args: [...argv], options, strict: true }).values;
}

export function endpoint(name: string, text: string | undefined): Endpoint {
  const match = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(text ?? '');
  if (match?.[1] === undefined) throw wrong(name, 'ADDRESS:PORT', text);
  return { host: match[1], port: Number(match[2]) };
}

/** `5000` or `5000-5999`; undefined means that the kernel chooses. */
export function portRange(name: string, text: string | undefined): PortRange | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const low = Number(match?.[1]);
  const high = Number(match?.[2] ?? match?.[1]);
  if (!(low >= 1 && low <= high && high <= 65535)) throw wrong(name, 'PORT or LOW-HIGH', text);
  return { low, high };
}

export function count(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(Number.isFinite(value) && value >= 0)) throw wrong(name, 'a number from 0 up', text);
  return value;
}

export function oneOf<const T extends string>(
  name: string,
  words: readonly [T, ...T[]],
  text: string | undefined,
): T {
  if (text === undefined) return words[0];
  const found = words.find((word) => word === text);
  if (found === undefined) throw wrong(name, words.join(' or '), text);
  return found;
}

function wrong(name: string, wanted: string, got: string | undefined): RangeError {
  return new RangeError(`--${name} must be ${wanted}, got ${got ?? 'nothing'}`);
}
