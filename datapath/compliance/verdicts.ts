/** Which verdicts rows must reach, and which a test-run of single frames cannot. */
import { VERDICT, type Verdict } from '../binding/verdicts.ts';

export type Program = 'balancer' | 'agent';

/** Verdicts that no row reaches, and why; a reason that is no longer true must go. */
const UNREACHABLE: Readonly<Partial<Record<Verdict, string>>> = {
  cookie: 'its answer has a number that no row can foretell; balancer/cookies.ts has its laws',
  'reset-stale': 'the same',
  'reset-backend-failed': "the portable engine's: the programs have no such connection",
  'drop-error-limit': 'a rate; balancer/limits.ts has its law',
};

const AGENT_ONLY: ReadonlySet<Verdict> = new Set([
  'drop-collision',
  'drop-remap-exhausted',
  'drop-stale',
  'kept',
  'drop-tuple-owned',
]);

/** Verdicts of a program that should have been reached and were not, or that were though it is held impossible. */
export function verdictGaps(program: Program, reached: ReadonlySet<Verdict>): string[] {
  const names = Object.keys(VERDICT) as Verdict[];
  const own = names.filter((name) => AGENT_ONLY.has(name) === (program === 'agent'));
  return [
    ...own.filter((name) => !reached.has(name) && UNREACHABLE[name] === undefined),
    ...names.filter((name) => reached.has(name) && UNREACHABLE[name] !== undefined),
  ];
}
