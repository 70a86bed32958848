/** How long a large configuration takes into the kernel, a single weight, and long access lists; and for how long nobody else is answered. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { balancerMaps } from '../../../datapath/binding/object-maps.ts';
import { loadPrivateObject } from '../../../datapath/binding/object.ts';
import type { Engine } from '../../../control/balancer/engine.ts';
import { Balancing } from '../../../control/balancer/balancing.ts';
import { capacitiesOf } from '../../../control/balancer/capacities.ts';
import type { BalancerConfig } from '../../../control/config/balancer.ts';
import { readAside } from '../../../control/config/read-aside.ts';
import { differenceOf } from '../../../control/reconcile/difference.ts';
import { RuntimeStore } from '../../../control/state/runtime.ts';
import { summary, type Summary } from '../statistics.ts';
import { parseMemlock } from '../memory.ts';
import { bigConfig } from './big-config.ts';

export type ApplyFigure = {
  listeners: number;
  backends: number;
  prefixes: number;
  steps: ApplyStep[];
  /** A weight beside the file: to disk, and the pool's table swapped in the kernel. */
  weightMs: Summary;
  kernelBytes: number;
  heapBytes: number;
};

export type ApplyStep = {
  name: string;
  ms: number;
  /** Of all threads, without what others on the machine keep it waiting. */
  cpuMs: number;
  /** The longest that a timer of the same thread was late. */
  longestStopMs: number;
};

const LISTENERS = 2_000;
const BACKENDS = 20_000;
const PREFIXES = 100_000;
const WEIGHTS = 50;
const QUIET_MS = 1_000;
const RESOLUTION_MS = 1;
const PROGRAM = resolve(import.meta.dirname, '../../../datapath/balancer/balancer.bpf.o');

export async function measureApply(say: (text: string) => void): Promise<ApplyFigure> {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-bench-'));
  const steps: ApplyStep[] = [];
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    say(`apply: ${name}`);
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    const [startedMs, started] = [performance.now(), process.cpuUsage()];
    const result = await work();
    const ms = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(started);
    const cpuMs = (user + system) / 1_000;
    await sleep(5 * RESOLUTION_MS);
    delay.disable();
    steps.push({ name, ms, cpuMs, longestStopMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS) });
    return result;
  };
  const read = async (text: string) =>
    (await readAside({ role: 'balancer', text, file: 'bench.yaml' })) as BalancerConfig;
  const texts = bigConfig(folder, { listeners: LISTENERS, backends: BACKENDS, prefixes: PREFIXES });
  try {
    await step('nothing, to compare with', () => sleep(QUIET_MS));
    const config = await step('read and check', () => read(texts.plain));
    const object = await loadPrivateObject({ path: PROGRAM, capacities: capacitiesOf(config) });
    try {
      const { events: _, ...maps } = balancerMaps(object);
      const runtime = new RuntimeStore({ directory: folder, nowMs: Date.now });
      const balancing = new Balancing(
        { engine: engineOf(maps), runtime, log: QUIET, onHealth: () => {} },
        config,
      );
      await step('apply from empty', () => balancing.apply(config));
      const other = await read(texts.otherWeight);
      await step('difference of one weight', () => differenceOf(config, other));
      await step('apply one weight of the file', () => balancing.apply(other));
      const listed = await step('read 100,000 prefixes', () => read(texts.listed));
      await step('difference of 100,000 prefixes', () => differenceOf(other, listed));
      await step('apply 100,000 prefixes', () => balancing.apply(listed));
      await step('apply without them', () => balancing.apply(other));
      const weightMs = await weights(balancing, runtime, other);
      const kernelBytes = object.maps
        .map(({ fd }) => parseMemlock(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')))
        .reduce((sum, bytes) => sum + bytes, 0);
      const figure = {
        listeners: LISTENERS,
        backends: BACKENDS,
        prefixes: PREFIXES,
        steps,
        weightMs,
      };
      await balancing.stop();
      return { ...figure, kernelBytes, heapBytes: process.memoryUsage().heapUsed };
    } finally {
      object.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Nothing is attached: what is measured is maps. */
function engineOf(maps: Engine['maps']): Engine {
  return {
    ...{ kind: 'ebpf', maps, loaded: { adopted: [], programs: [] } },
    ...{ fit: (config: BalancerConfig) => config, check: async () => {}, open: async () => {} },
    ...{ follow: () => {}, readEvents: () => {} },
    ...{ close: async () => {}, sayGoodbye: async () => {} },
  };
}

async function weights(
  balancing: Balancing,
  runtime: RuntimeStore,
  { pools }: BalancerConfig,
): Promise<Summary> {
  const times: number[] = [];
  for (let i = 0; i < WEIGHTS; i++) {
    const pool = pools[i * 7];
    const backend = pool?.backends[0]?.name;
    if (pool === undefined || backend === undefined) continue;
    const startedMs = performance.now();
    runtime.set([{ pool: pool.name, backend }], { weight: 2 + (i % 5) }, 'bench');
    await balancing.settled();
    times.push(performance.now() - startedMs);
  }
  return summary(times);
}
