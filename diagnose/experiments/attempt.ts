/** Attempts of a plan, tried where the client is, and what became of each. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { missing, readFrom, type Collected } from '../collect/collected.ts';
import type { Runner } from '../collect/runner.ts';
import { classify, labelOf, type Label } from '../probe/outcome.ts';
import type { Plan, Purpose } from './plan.ts';

export interface ProbedAttempt {
  readonly id: number;
  readonly purpose: Purpose;
  readonly host: string;
  readonly port: number;
  readonly localPort: number;
  /** Since 1970, by the clock of the client. */
  readonly timeMs: number;
  readonly durationMs: number;
  readonly label: Label;
  readonly code: string | null;
}

const LINE = z.object({
  id: z.number(),
  timeMs: z.number(),
  durationMs: z.number(),
  ending: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('connected') }),
    z.object({ kind: z.literal('timeout') }),
    z.object({
      kind: z.literal('refused-by-kernel'),
      code: z.string(),
      at: z.enum(['bind', 'connect']),
    }),
  ]),
});

const PROBER = resolve(import.meta.dirname, 'prober.js');
/** Node's start on a busy machine, and the last attempt's time-out. */
const SLACK_MS = 15_000;

export async function runPlan(
  runner: Runner,
  plan: Plan,
): Promise<Collected<readonly ProbedAttempt[]>> {
  if (plan.attempts.length === 0) return { ok: true, value: [] };
  const last = Math.max(...plan.attempts.map(({ startMs }) => startMs));
  const timeoutMs = last + plan.timeoutMs + plan.lingerMs + SLACK_MS;
  const input = readFileSync(PROBER, 'utf8');
  const tried = await readFrom(
    { ...runner, run: (argv) => runner.run(argv, { timeoutMs, input }) },
    [runner.node, '--input-type=module', '-', JSON.stringify(plan)],
    (text) => parseAttempts(text, plan),
  );
  if (!tried.ok || tried.value.length === plan.attempts.length) return tried;
  return missing(`only ${tried.value.length} of ${plan.attempts.length} connections were tried`);
}

export function parseAttempts(text: string, { attempts }: Plan): readonly ProbedAttempt[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const { id, ending, ...times } = LINE.parse(JSON.parse(line));
      const planned = attempts.find((one) => one.id === id);
      if (planned === undefined) return [];
      const { purpose, host, port, localPort } = planned;
      const label = labelOf(classify(ending, times.durationMs));
      const code = ending.kind === 'refused-by-kernel' ? ending.code : null;
      return [{ id, purpose, host, port, localPort, ...times, label, code }];
    });
}

/** It did not come about, or only after a SYN was lost. */
export function hasFailed({ label }: ProbedAttempt): boolean {
  return label !== 'open' && label !== 'local-port-busy';
}

export function isSilent({ label }: ProbedAttempt): boolean {
  return label === 'silent' || label === 'icmp';
}
