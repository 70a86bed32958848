/** What was measured of large configurations, as people read it. */

import { figure, table } from '../table.ts';
import type { ApplyFigure } from './apply.ts';

const MIB = 1_048_576;

export function applyReport({
  listeners,
  backends,
  prefixes,
  steps,
  weightMs,
  kernelBytes,
  heapBytes,
}: ApplyFigure): string {
  const rows = steps.map(({ name, ms, cpuMs, longestStopMs }) => [
    ...[name, figure(ms), figure(cpuMs), figure(longestStopMs, 1)],
  ]);
  return `${figure(listeners)} listeners, ${figure(backends)} backends, ${figure(prefixes)} prefixes
${table(['STEP', 'MS', 'CPU MS', 'LONGEST STOP, MS'], rows)}
one weight, to disk and into the kernel: ${figure(weightMs.median, 1)} ms (${figure(weightMs.min, 1)} to ${figure(weightMs.max, 1)})
memory: ${figure(kernelBytes / MIB)} MiB in the kernel, ${figure(heapBytes / MIB)} MiB of heap`;
}
