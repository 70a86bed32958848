/** What a lab case is: one sentence that holds in the lab or does not, and how to find out. */

import type { Lab } from '../lab.ts';

export type CaseResult =
  | { kind: 'holds'; facts: readonly string[] }
  | { kind: 'fails'; because: string; facts: readonly string[] }
  /** The lab was not built with what the case is about. */
  | { kind: 'not-here'; because: string };

export type LabCase = {
  name: string;
  sentence: string;
  run: (lab: Lab) => Promise<CaseResult>;
};

/** Each fact is a line to show; `wrong` are those that contradict the sentence. */
export function judge(facts: readonly string[], wrong: readonly string[]): CaseResult {
  return wrong.length === 0
    ? { kind: 'holds', facts }
    : { kind: 'fails', because: wrong.join('; '), facts };
}
