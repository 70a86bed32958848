/** What is wrong with a configuration file, and where. */

/** Keys and list positions from the top of the file. */
export type Path = readonly (string | number)[];

/** A problem as a check finds it. */
export interface Problem {
  readonly path: Path;
  /** Point at the key, not at its value. */
  readonly on?: 'key';
  /** What is wrong, the offending value, what is allowed. */
  readonly message: string;
}

/** A problem as a person needs it. Lines and columns count from 1. */
export interface LocatedProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The file cannot be used; the message has one line for every problem in it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';
  readonly problems: readonly LocatedProblem[];

  constructor(problems: readonly LocatedProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

/** @example 'lb.yaml:12:7: pools[0].backends[1].weight: must be a whole number in 0..65535, got 70000' */
export function formatProblem({ file, line, column, message }: LocatedProblem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** @example formatPath(['pools', 0, 'name']) // 'pools[0].name' */
export function formatPath(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join('');
}

/** The offending value, short enough for a line. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys and values';
  if (typeof value !== 'string') return JSON.stringify(value);
  return value.length > 60 ? `'${value.slice(0, 57)}...'` : `'${value}'`;
}
