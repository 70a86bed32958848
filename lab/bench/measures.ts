/** One measurement: load through one contender, and what it cost the whole machine. */

import { availableParallelism } from 'node:os';
import { countersDuring } from '../counters.ts';
import type { Contender } from './contenders.ts';
import { busySecondsOf, cpuBackground, cpuDuring } from './cpu.ts';
import { iperfArgv, parseIperf } from './iperf.ts';
import type { OtherProcesses } from './others.ts';
import { parseWrk, wrkArgv, type WrkOptions } from './wrk.ts';

export type MeasureName = 'connections' | 'latency' | 'requests' | 'bulk';

export type Sample = {
  /** Connections, requests or gigabytes (10^9). */
  count: number;
  perSecond: number;
  /** Of the whole machine for one of `count`, its background taken off. */
  cpuMicroseconds: number;
  /** How busy all cores were; with processes that are not ours; and what the hypervisor took. */
  busyShare: number;
  othersShare: number;
  stealShare: number;
  /** SYNs that clients had to send again: a collapse shows here first. */
  synRetransmits: number;
  retransmits: number;
  errors: number;
};

export type LoadOptions = { seconds: number; signal: AbortSignal };

type ClientRole = 'client' | 'client2';

const CLIENTS: readonly ClientRole[] = ['client', 'client2'];

type Load = { count: number; seconds: number; errors: number };

const BACKGROUND_MS = 600;

export async function measure(
  name: MeasureName,
  contender: Contender,
  options: LoadOptions & { others: OtherProcesses },
): Promise<Sample> {
  const { lab } = contender;
  const { others, signal } = options;
  const background = await cpuBackground(others, { milliseconds: BACKGROUND_MS, signal });
  const { result, changes } = await countersDuring(lab.namespace('client'), () =>
    countersDuring(lab.namespace('client2'), () =>
      cpuDuring(others, () => runLoad(name, contender, options)),
    ),
  );
  const { result: load, cpu } = result.result;
  const counted = (counter: string) =>
    Number((changes.get(counter) ?? 0n) + (result.changes.get(counter) ?? 0n));
  return {
    count: load.count,
    perSecond: load.count / load.seconds,
    cpuMicroseconds: (busySecondsOf(cpu, background) / load.count) * 1e6,
    busyShare: cpu.busyShare,
    othersShare: cpu.othersSeconds / (cpu.seconds * availableParallelism()),
    stealShare: cpu.stealShare,
    synRetransmits: counted('TcpExtTCPSynRetrans'),
    retransmits: counted('TcpRetransSegs'),
    errors: load.errors,
  };
}

export function runLoad(
  name: MeasureName,
  contender: Contender,
  options: LoadOptions,
): Promise<Load> {
  switch (name) {
    case 'connections':
      return runWrk(contender, { ...options, keepAlive: false }, CLIENTS);
    case 'latency':
      return runWrk(contender, { ...options, keepAlive: false, connections: 1 }, ['client']);
    case 'requests':
      return runWrk(contender, { ...options, keepAlive: true }, CLIENTS);
    case 'bulk':
      return runIperf(contender, options);
  }
}

/** A program for each client address, so that source ports do not run out. */
async function runWrk(
  { lab, host, webPort }: Contender,
  { signal, ...options }: LoadOptions & WrkOptions,
  clients: readonly ClientRole[],
): Promise<Load> {
  const argv = wrkArgv(`http://${host}:${webPort}/`, options);
  const reports = await Promise.all(
    clients.map(async (role) => parseWrk((await lab.run(role, argv, { signal })).stdout)),
  );
  return {
    count: reports.reduce((sum, { requests }) => sum + requests, 0),
    seconds: Math.max(...reports.map((report) => report.seconds)),
    errors: reports.reduce((sum, { errors }) => sum + errors, 0),
  };
}

async function runIperf(
  { lab, host, bulkPort }: Contender,
  { seconds, signal }: LoadOptions,
): Promise<Load> {
  const { stdout } = await lab.run('client', iperfArgv(host, bulkPort, seconds), { signal });
  const report = parseIperf(stdout);
  return { count: report.bytes / 1e9, seconds: report.seconds, errors: 0 };
}
