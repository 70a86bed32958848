/** Attempts as the prober reports them, run where the client is. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { readFrom, type Collected } from '../collect/collected.ts';
import type { Runner } from '../collect/runner.ts';
import { PURPOSES, type Plan } from './plan.ts';

const ATTEMPT = z.object({
  id: z.number(),
  purpose: z.enum(PURPOSES),
  host: z.string(),
  port: z.number(),
  localPort: z.number(),
  /** Since 1970, by the clock of the client. */
  timeMs: z.number(),
  durationMs: z.number(),
  label: z.enum(['open', 'late', 'closed', 'silent', 'icmp', 'local-port-busy', 'error']),
  code: z.string().nullable(),
});

export type ProbedAttempt = z.infer<typeof ATTEMPT>;

const PROBER = resolve(import.meta.dirname, 'prober.js');
/** Node's start on a busy machine, and the last attempt's time-out. */
const SLACK_MS = 15_000;

export function runPlan(runner: Runner, plan: Plan): Promise<Collected<readonly ProbedAttempt[]>> {
  const last = Math.max(0, ...plan.attempts.map(({ startMs }) => startMs));
  return readFrom(
    withTimeout(runner, last + plan.timeoutMs + plan.lingerMs + SLACK_MS),
    [process.execPath, PROBER, JSON.stringify(plan)],
    parseAttempts,
  );
}

export function parseAttempts(text: string): readonly ProbedAttempt[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ATTEMPT.parse(JSON.parse(line)));
}

/** It did not come about, or only after a SYN was lost. */
export function hasFailed({ label }: ProbedAttempt): boolean {
  return label !== 'open' && label !== 'local-port-busy';
}

export function isSilent({ label }: ProbedAttempt): boolean {
  return label === 'silent' || label === 'icmp';
}

function withTimeout({ run, start }: Runner, timeoutMs: number): Runner {
  return { start, run: (argv, options) => run(argv, { timeoutMs, ...options }) };
}
