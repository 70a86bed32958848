/**
 * How much of the whole machine's CPU time an interval cost, from /proc/stat.
 *
 * Every core and every kind of work counts, so nothing hides in an interrupt or
 * a kernel thread. What processes that are not ours used is taken off, and so is
 * what our own labs and the kernel do when nobody asks them anything. Time that
 * the hypervisor took (steal) is not ours either.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { secondsBetween, type OtherProcesses } from './others.ts';

/** Seconds since boot, all cores together. */
export type CpuTimes = { busySeconds: number; idleSeconds: number; stealSeconds: number };

export type CpuInterval = {
  seconds: number;
  busySeconds: number;
  /** Of all cores' time: 1 is a machine without a free moment. */
  busyShare: number;
  stealShare: number;
  /** Of processes that are not ours; part of the busy time. */
  othersSeconds: number;
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

export function cpuInterval(
  before: CpuTimes,
  after: CpuTimes,
  { seconds, othersSeconds }: Pick<CpuInterval, 'seconds' | 'othersSeconds'>,
): CpuInterval {
  const busySeconds = after.busySeconds - before.busySeconds;
  const stealSeconds = after.stealSeconds - before.stealSeconds;
  const allSeconds = busySeconds + stealSeconds + after.idleSeconds - before.idleSeconds;
  return {
    seconds,
    othersSeconds,
    busySeconds,
    busyShare: allSeconds === 0 ? 0 : busySeconds / allSeconds,
    stealShare: allSeconds === 0 ? 0 : stealSeconds / allSeconds,
  };
}

/** What `work` cost beyond what our labs and the kernel did by themselves before. */
export function busySecondsOf(work: CpuInterval, background: CpuInterval): number {
  const idleRate = (background.busySeconds - background.othersSeconds) / background.seconds;
  return work.busySeconds - work.othersSeconds - Math.max(0, idleRate) * work.seconds;
}

/** CPU time while `work` goes on. */
export async function cpuDuring<T>(
  others: OtherProcesses,
  work: () => Promise<T>,
): Promise<{ result: T; cpu: CpuInterval }> {
  const othersBefore = others.times();
  const started = performance.now();
  const before = readCpuTimes();
  const result = await work();
  const after = readCpuTimes();
  const seconds = (performance.now() - started) / 1_000;
  const othersSeconds = secondsBetween(othersBefore, others.times());
  return { result, cpu: cpuInterval(before, after, { seconds, othersSeconds }) };
}

/** What the machine does by itself just now. */
export async function cpuBackground(
  others: OtherProcesses,
  { milliseconds, signal }: { milliseconds: number; signal: AbortSignal },
): Promise<CpuInterval> {
  const { cpu } = await cpuDuring(others, () => sleep(milliseconds, undefined, { signal }));
  return cpu;
}

function readCpuTimes(): CpuTimes {
  return parseCpuTimes(readFileSync('/proc/stat', 'utf8'));
}
