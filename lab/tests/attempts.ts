/** Starts the steady client in a lab and keeps what it says. */

import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Lab } from '../lab.ts';
import { LabError, waitUntil } from '../process.ts';
import type { Role } from '../topology.ts';
import type { Attempt } from './steady.ts';

export type Attempts = {
  /** Those that have ended, in the order they began. */
  ended(): Attempt[];
  /** Returns when an attempt that began after `sinceMs` satisfies `isIt`. */
  until(sinceMs: number, isIt: (attempt: Attempt) => boolean): Promise<void>;
  stop(): Promise<void>;
};

const PROGRAM = resolve(import.meta.dirname, 'steady.js');
const PATIENCE_MS = 15_000;

export function startAttempts(lab: Lab, role: Role, target: string, perSecond: number): Attempts {
  const argv = [process.execPath, PROGRAM, target, String(perSecond)];
  const child = lab.spawn(role, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const attempts: Attempt[] = [];
  let rest = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    attempts.push(...lines.map((line) => JSON.parse(line) as Attempt));
  });
  const ended = () => attempts.toSorted((a, b) => a.beganMs - b.beganMs);
  return {
    ended,
    until: async (sinceMs, isIt) => {
      const found = await waitUntil(
        () => attempts.some((attempt) => attempt.beganMs > sinceMs && isIt(attempt)),
        { timeoutMs: PATIENCE_MS },
      );
      if (found) return;
      const last = ended()
        .slice(-3)
        .map((attempt) => JSON.stringify(attempt));
      throw new LabError('LAB_NOT_READY', `it did not happen; last attempts: ${last.join(' ')}`);
    },
    stop: async () => {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    },
  };
}
