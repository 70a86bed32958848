/**
 * CPU time of processes that are none of the bench's: a compiler, another lab, a shell.
 *
 * A process that ends hands its time to its parent, so the sum over all that live
 * loses nothing. Kernel threads are left out: they may be forwarding our packets.
 */

import { readFileSync, readdirSync } from 'node:fs';
import { processesIn } from '../namespaces.ts';

/** Process id to CPU seconds, those of its ended children included. */
export type ProcessTimes = ReadonlyMap<number, number>;

export type OtherProcesses = { times(): ProcessTimes };

type Stat = { parent: number; cpuSeconds: number };

const TICKS_PER_SECOND = 100;
/** kthreadd, the parent of kernel threads. */
const KERNEL = 2;

/** Everything but this process and what runs in the named network namespaces. */
export function otherProcesses(namespaces: readonly string[]): OtherProcesses {
  const ours = new Set([process.pid]);
  return {
    times: () => {
      for (const pid of processesIn(namespaces)) ours.add(pid);
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      const others = pids.map(Number).filter((pid) => !ours.has(pid));
      return new Map(
        others.flatMap((pid) => {
          const stat = readStat(pid);
          const isKernel = stat?.parent === KERNEL || pid === KERNEL;
          return stat === undefined || isKernel ? [] : [[pid, stat.cpuSeconds]];
        }),
      );
    },
  };
}

/** CPU time between two readings; never negative, for a time that nobody inherited. */
export function secondsBetween(before: ProcessTimes, after: ProcessTimes): number {
  const sum = (times: ProcessTimes) => [...times.values()].reduce((all, one) => all + one, 0);
  return Math.max(0, sum(after) - sum(before));
}

/** proc(5): the name, in parentheses, may hold spaces and parentheses itself. */
export function parseStat(text: string): Stat {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const parent = fields[1];
  const ticks = fields.slice(11, 15);
  if (parent === undefined || ticks.length !== 4 || ticks.some(Number.isNaN))
    throw new RangeError(`not the stat file of a process: ${text}`);
  return { parent, cpuSeconds: ticks.reduce((all, one) => all + one, 0) / TICKS_PER_SECOND };
}

function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // it has ended meanwhile
  }
  return parseStat(text);
}
