/** A pool's table, and how the kernel is to look it up: pure functions from backends to entries. */
import { SCHEDULE_WEIGHT_SHIFT, type ScheduleSelect } from '../../datapath/binding/contract.ts';
import type { SchedulerConfig } from '../config/schedule.ts';
import { maglev } from './maglev.ts';
import { TABLE_ENTRIES_MAX, weightedRoundRobin } from './weighted-round-robin.ts';
import type { NamedWeighted, Weighted } from './weighted.ts';

export interface Schedule {
  readonly select: ScheduleSelect;
  /** As `schedule` has them: index, and for least connections the weight above it. */
  readonly entries: readonly number[];
}

/** The kernel compares so many entries: with no more backends than that, all of them. */
const LEAST_OF = 64;
const WEIGHT_MAX = 2 ** (32 - SCHEDULE_WEIGHT_SHIFT) - 1;

export function scheduleOf(
  scheduler: SchedulerConfig,
  backends: readonly NamedWeighted[],
): Schedule {
  switch (scheduler.kind) {
    case 'round-robin':
      return { select: 'round-robin', entries: weightedRoundRobin(backends) };
    case 'least-connections':
      return { select: 'least-connections', entries: leastConnections(backends) };
    case 'source-hash':
      return { select: selectBy(scheduler.hashOn), entries: weightedRoundRobin(backends) };
    case 'maglev':
      return { select: selectBy(scheduler.hashOn), entries: maglev(backends) };
  }
}

/** Index of the backend in an entry. */
export function indexOfEntry(entry: number): number {
  return entry & (2 ** SCHEDULE_WEIGHT_SHIFT - 1);
}

function selectBy(hashOn: 'client' | 'connection'): ScheduleSelect {
  return hashOn === 'client' ? 'source-hash' : 'connection-hash';
}

/** Each once while the kernel looks at all of them; else as often as its weight says. */
function leastConnections(backends: readonly Weighted[]): number[] {
  const active = backends.filter(({ weight }) => weight > 0);
  const heaviest = Math.max(1, ...active.map(({ weight }) => weight));
  const shrink = Math.max(1, heaviest / WEIGHT_MAX);
  const entryOf = ({ index, weight }: Weighted) =>
    index + Math.max(1, Math.round(weight / shrink)) * 2 ** SCHEDULE_WEIGHT_SHIFT;
  if (active.length <= LEAST_OF) return active.map(entryOf);
  const entries = new Map(active.map((backend) => [backend.index, entryOf(backend)]));
  return weightedRoundRobin(active, TABLE_ENTRIES_MAX).map((index) => entries.get(index) ?? 0);
}
