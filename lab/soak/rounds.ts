/** Rounds of faults under traffic: each fault in its turn, new connections counted round by round. */

import type { Lab } from '../lab.ts';
import type { OpenResult } from '../tools/open.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { inflict, type DaemonFault } from './daemon-faults.ts';
import type { Installation } from './next-version.ts';
import { startNew } from './traffic.ts';

export type Round = {
  fault: string;
  /** From the first signal until the daemons answer again. */
  seconds: number;
  attempted: number;
  answered: number;
  /** By errno, and answers that named another client. */
  failures: Record<string, number>;
  /** A SYN was lost: connected only after a second. */
  slow: number;
  slowestConnectMs: number;
};

/** Traffic before and after each fault. */
const AROUND_MS = 500;

export async function runRound(
  lab: Lab,
  fault: DaemonFault,
  { next, perSecond }: { next: Installation; perSecond: number },
): Promise<Round> {
  const opening = await startNew(lab, perSecond);
  try {
    await sleep(AROUND_MS);
    const began = performance.now();
    await inflict(lab, fault, next);
    const seconds = (performance.now() - began) / 1_000;
    await sleep(AROUND_MS);
    return { fault: fault.sentence, seconds, ...seen(await opening.stop()) };
  } finally {
    await opening.stop().catch(() => {});
  }
}

function seen(result: OpenResult): Omit<Round, 'fault' | 'seconds'> {
  const { attempted, answered, failuresByCode, wrongAnswers, slow, connectMs } = result;
  const wrong = wrongAnswers.length > 0 ? { 'wrong client': wrongAnswers.length } : {};
  return {
    ...{ attempted, answered, slow, slowestConnectMs: connectMs.max },
    failures: { ...failuresByCode, ...wrong },
  };
}

export function isClean({ attempted, answered, failures, slow }: Round): boolean {
  return answered === attempted && Object.keys(failures).length === 0 && slow === 0;
}
