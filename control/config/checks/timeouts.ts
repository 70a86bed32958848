/** Timeouts that contradict each other, or what servers do. */
import type { Timeouts } from '../common.ts';
import { formatDurationMs } from '../duration.ts';
import type { Path, Problem } from '../problem.ts';
import type { Check } from './check.ts';

type Key = 'opening' | 'established' | 'closing' | 'timeWait' | 'reset';

/** TCP_TIMEWAIT_LEN of Linux: until then the server may still hold the tuple. */
const SERVER_TIME_WAIT_MS = 60_000;

/** The shorter one comes first. */
const ORDERED: readonly (readonly [Key, Key])[] = [
  ['opening', 'established'],
  ['closing', 'established'],
  ['reset', 'established'],
];

export const timeoutsInOrder: Check<{ readonly timeouts: Timeouts }> = (
  { timeouts },
  { isGiven, isWhole },
) => {
  const problems: Problem[] = [];
  const pathOf = (key: Key): Path => ['timeouts', key];
  for (const [short, long] of ORDERED) {
    const [shortMs, longMs] = [timeouts[`${short}Ms`], timeouts[`${long}Ms`]];
    if (shortMs <= longMs) continue;
    if (!isWhole(pathOf(short)) || !isWhole(pathOf(long))) continue;
    problems.push({
      path: pathOf(isGiven(pathOf(short)) ? short : long),
      message:
        `timeouts out of order: ${short} (${formatDurationMs(shortMs)}) must not be longer ` +
        `than ${long} (${formatDurationMs(longMs)})`,
    });
  }
  if (timeouts.timeWaitMs < SERVER_TIME_WAIT_MS)
    problems.push({
      path: pathOf('timeWait'),
      message:
        `timeouts.timeWait must be at least 60s, got ${formatDurationMs(timeouts.timeWaitMs)}: ` +
        `servers keep a closed connection that long, and would refuse a new one from the same port`,
    });
  return problems;
};
