/**
 * How much of the whole machine's CPU time an interval cost, from /proc/stat.
 *
 * Every core and every kind of work counts, so nothing hides in an interrupt or
 * in another process. Time that the hypervisor took (steal) is not ours.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Seconds since boot, all cores together. */
export type CpuTimes = { busySeconds: number; idleSeconds: number; stealSeconds: number };

export type CpuInterval = {
  seconds: number;
  busySeconds: number;
  /** Of all cores' time: 1 is a machine without a free moment. */
  busyShare: number;
  stealShare: number;
};

/** USER_HZ of every Linux port that Node runs on. */
const TICKS_PER_SECOND = 100;

export function parseCpuTimes(stat: string): CpuTimes {
  const all = stat.split('\n').find((line) => line.startsWith('cpu '));
  // The order of proc(5); guest time is part of user time already.
  const ticks = (all ?? '').trim().split(/\s+/).slice(1).map(Number);
  const [user, nice, system, idle, ioWait, irq, softIrq, steal] = ticks;
  if (
    user === undefined ||
    nice === undefined ||
    system === undefined ||
    idle === undefined ||
    ioWait === undefined ||
    irq === undefined ||
    softIrq === undefined ||
    steal === undefined
  ) {
    throw new RangeError(`/proc/stat has no line of eight CPU times: ${all ?? 'no line at all'}`);
  }
  return {
    busySeconds: (user + nice + system + irq + softIrq) / TICKS_PER_SECOND,
    idleSeconds: (idle + ioWait) / TICKS_PER_SECOND,
    stealSeconds: steal / TICKS_PER_SECOND,
  };
}

export function cpuInterval(before: CpuTimes, after: CpuTimes, seconds: number): CpuInterval {
  const busySeconds = after.busySeconds - before.busySeconds;
  const stealSeconds = after.stealSeconds - before.stealSeconds;
  const allSeconds = busySeconds + stealSeconds + after.idleSeconds - before.idleSeconds;
  return {
    seconds,
    busySeconds,
    busyShare: allSeconds === 0 ? 0 : busySeconds / allSeconds,
    stealShare: allSeconds === 0 ? 0 : stealSeconds / allSeconds,
  };
}

/** What `work` cost beyond what the machine did by itself before. */
export function busySecondsOf(work: CpuInterval, background: CpuInterval): number {
  return work.busySeconds - (background.busySeconds / background.seconds) * work.seconds;
}

/** CPU time while `work` goes on. */
export async function cpuDuring<T>(
  work: () => Promise<T>,
): Promise<{ result: T; cpu: CpuInterval }> {
  const started = performance.now();
  const before = readCpuTimes();
  const result = await work();
  const after = readCpuTimes();
  return { result, cpu: cpuInterval(before, after, (performance.now() - started) / 1_000) };
}

/** What the machine does by itself just now. */
export async function cpuBackground(milliseconds: number, signal: AbortSignal) {
  const { cpu } = await cpuDuring(() => sleep(milliseconds, undefined, { signal }));
  return cpu;
}

function readCpuTimes(): CpuTimes {
  return parseCpuTimes(readFileSync('/proc/stat', 'utf8'));
}
