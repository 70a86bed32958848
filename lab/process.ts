/** Programs run by their arguments, never through a shell; a failure says what was run and why. */

import type { ChildProcess, StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export type RunOptions = {
  input?: string;
  cwd?: string;
  signal?: AbortSignal;
  /** Exit codes other than 0 that are an answer, not a failure; 'any' for all. */
  accept?: readonly number[] | 'any';
};

export type Ran = { code: number; stdout: string; stderr: string };

export type LabFailureCode =
  'LAB_COMMAND_FAILED' | 'LAB_NOT_PERMITTED' | 'LAB_NOT_UP' | 'LAB_NAME_TAKEN' | 'LAB_NOT_READY';

/** A lab operation that did not work, with what to do about it in the message. */
export class LabError extends Error {
  readonly code: LabFailureCode;

  constructor(code: LabFailureCode, message: string) {
    super(message);
    this.name = 'LabError';
    this.code = code;
  }
}

/** Runs a program to its end and returns what it said. */
export function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { input, accept = [], signal, cwd } = options;
  return new Promise((resolve, reject) => {
    const child = startProgram(argv, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(signal === undefined ? {} : { signal }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    // A program that does not read its input closes it; its exit code tells the rest.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
    child.on('error', (error) => {
      reject(new LabError('LAB_COMMAND_FAILED', `${argv.join(' ')}: ${error.message}`));
    });
    child.on('close', (exit, killedBy) => {
      const code = exit ?? 128;
      const stdout = Buffer.concat(out).toString();
      const stderr = Buffer.concat(err).toString();
      if (code === 0 || accept === 'any' || accept.includes(code)) {
        resolve({ code, stdout, stderr });
      } else {
        const how = killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`;
        const why = stderr.trim() || stdout.trim() || 'it said nothing';
        reject(new LabError('LAB_COMMAND_FAILED', `${argv.join(' ')}: ${how}: ${why}`));
      }
    });
  });
}

export type StartOptions = {
  stdio?: StdioOptions;
  cwd?: string;
  signal?: AbortSignal;
  env?: NodeJS.ProcessEnv;
  detached?: boolean;
};

/** Starts a program and returns while it runs. */
export function startProgram(argv: readonly string[], options: StartOptions = {}): ChildProcess {
  const [program, ...rest] = argv;
  if (program === undefined) throw new RangeError('argv must name a program');
  return spawn(program, rest, options);
}

/** Asks `condition` until it holds; false when `timeoutMs` has passed without it. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  options: { timeoutMs: number; everyMs?: number },
): Promise<boolean> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= end) return false;
    await sleep(options.everyMs ?? 10);
  }
}
