/** Long work in slices, so that the event loop of a daemon never stands still for long. */
import { setImmediate as yieldToLoop } from 'node:timers/promises';

/** Packets are the kernel's; this is about health checks and answers, which wait so long at most. */
const SLICE_MS = 5;

/**
 * Called between the steps of long work: pauses when the slice is used up.
 *
 * @example const breathe = breather(); for (const one of many) { work(one); await breathe(); }
 */
export function breather(
  nowMs: () => number = () => performance.now(),
): () => Promise<void> | void {
  let endMs = nowMs() + SLICE_MS;
  return () => {
    if (nowMs() < endMs) return undefined;
    return yieldToLoop().then(() => void (endMs = nowMs() + SLICE_MS));
  };
}
