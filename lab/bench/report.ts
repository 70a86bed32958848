/** The figures as people read them, within 100 columns. */

import type { AcceptFigure } from './accept.ts';
import type { ContenderName } from './contenders.ts';
import { CONTENDERS, titleOf } from './contenders.ts';
import type { ExpiryFigures } from './expiry/expiry.ts';
import { expiryReport } from './expiry/report.ts';
import type { Machine } from './machine.ts';
import type { MeasureName, Sample } from './measures.ts';
import type { ApplyFigure } from './apply/apply.ts';
import { applyReport } from './apply/report.ts';
import type { MemoryFigure } from './memory.ts';
import type { BenchOptions } from './options.ts';
import type { ProgramFigures } from './programs.ts';
import { OWN_WAYS, PEERS, ratios } from './ratios.ts';
import type { Figure } from './rounds.ts';
import { spread, summary } from './statistics.ts';
import { figure, percent, table } from './table.ts';
import { traceReport, type TraceFigure } from './trace/trace.ts';

export type BenchResult = {
  date: string;
  machine: Machine;
  options: BenchOptions;
  figures?: Figure[];
  programs?: ProgramFigures;
  accept?: AcceptFigure[];
  memory?: MemoryFigure[];
  apply?: ApplyFigure;
  expiry?: ExpiryFigures;
  trace?: TraceFigure[];
};

type Wording = {
  title: string;
  rate: string;
  rateOf: (perSecond: number) => string;
  cpu: string;
  cpuOf: (microseconds: number) => string;
};

const WORDING: Readonly<Record<MeasureName, Wording>> = {
  connections: {
    title: 'New connections (wrk, Connection: close, 64 at once)',
    ...{ rate: 'CONN/S', rateOf: (perSecond) => figure(perSecond), cpu: 'CPU µs/CONN' },
    cpuOf: (microseconds) => figure(microseconds, 1),
  },
  latency: {
    title: 'One connection after another (wrk, Connection: close, 1 at once): 1/rate is its time',
    ...{ rate: 'CONN/S', rateOf: (perSecond) => figure(perSecond), cpu: 'CPU µs/CONN' },
    cpuOf: (microseconds) => figure(microseconds, 1),
  },
  requests: {
    title: 'Requests on open connections (wrk, 64 connections)',
    ...{ rate: 'REQ/S', rateOf: (perSecond) => figure(perSecond), cpu: 'CPU µs/REQ' },
    cpuOf: (microseconds) => figure(microseconds, 2),
  },
  bulk: {
    title: 'Bulk (iperf3, one stream to the server)',
    ...{ rate: 'GBIT/S', rateOf: (perSecond) => figure(perSecond * 8, 2), cpu: 'CPU ms/GB' },
    cpuOf: (microseconds) => figure(microseconds / 1e3),
  },
};

/** More of the machine than this in other hands spoils rates, and the caches. */
const OTHERS_LIMIT = 0.05;
const STEAL_LIMIT = 0.02;

export function report(result: BenchResult): string {
  const { figures, programs, accept, memory, apply, expiry, trace } = result;
  return [
    headReport(result),
    ...(figures === undefined ? [] : figuresReport(figures)),
    ...(programs === undefined ? [] : [programsReport(programs)]),
    ...(accept === undefined ? [] : [acceptReport(accept)]),
    ...(memory === undefined ? [] : [memoryReport(memory)]),
    ...(apply === undefined ? [] : [applyReport(apply)]),
    ...(expiry === undefined ? [] : [expiryReport(expiry)]),
    ...(trace === undefined ? [] : [traceReport(trace)]),
  ].join('\n');
}

function headReport({ date, machine, options }: BenchResult): string {
  const { cpu, cores, kernel } = machine;
  return `${date}  ${cpu}, ${cores} cores, Linux ${kernel}
median of ${options.rounds} rounds of ${options.seconds} s, interleaved; SPREAD is (max - min) / median
CPU is of the whole machine without others' processes and idle background; ADDED: beyond direct
RTX: segments that clients sent again, all rounds together; SYN RTX, ERRORS: a round that collapsed
`;
}

function figuresReport(figures: readonly Figure[]): string[] {
  const measures = [...new Set(figures.map(({ measure }) => measure))];
  return [
    ...measures.map((name) => measureReport(name, figures)),
    ratioReport(measures, figures),
    ...warnings(figures.flatMap(({ samples }) => samples)),
  ];
}

function measureReport(name: MeasureName, figures: readonly Figure[]): string {
  const { title, rate, rateOf, cpu, cpuOf } = WORDING[name];
  const of = new Map<ContenderName, readonly Sample[]>(
    figures.filter(({ measure }) => measure === name).map((each) => [each.contender, each.samples]),
  );
  const direct = of.get('direct') ?? [];
  const rows = CONTENDERS.flatMap((contender) => {
    const samples = of.get(contender);
    if (samples === undefined) return [];
    const rates = summary(samples.map(({ perSecond }) => perSecond));
    const costs = summary(samples.map(({ cpuMicroseconds }) => cpuMicroseconds));
    const total = (of: (sample: Sample) => number) =>
      figure(samples.reduce((sum, sample) => sum + of(sample), 0));
    return [
      [
        titleOf(contender),
        rateOf(rates.median),
        percent(spread(rates)),
        figure(rates.median / medianOf(direct, 'perSecond'), 2),
        cpuOf(costs.median),
        percent(spread(costs)),
        contender === 'direct' ? '-' : cpuOf(costs.median - medianOf(direct, 'cpuMicroseconds')),
        total(({ synRetransmits }) => synRetransmits),
        total(({ retransmits }) => retransmits),
        total(({ errors }) => errors),
      ],
    ];
  });
  const headings = ['WAY', rate, 'SPREAD', 'RATIO', cpu, 'SPREAD', 'ADDED'];
  return `${title}\n${table([...headings, 'SYN RTX', 'RTX', 'ERRORS'], rows)}`;
}

/** Below 1.00: fullnat adds less CPU time than the peer, or is slower. */
function ratioReport(measures: readonly MeasureName[], figures: readonly Figure[]): string {
  const all = ratios(figures);
  const rows = measures.flatMap((measure) =>
    OWN_WAYS.map((own) => [
      `${measure}: ${titleOf(own)}`,
      ...(['added', 'rate'] as const).flatMap((key) =>
        PEERS.map((peer) =>
          figure(
            all.find((one) => one.measure === measure && one.own === own && one.peer === peer)?.[
              key
            ] ?? NaN,
            2,
          ),
        ),
      ),
    ]),
  );
  const headings = ['FORWARD', 'NFT', 'HAPROXY', 'NGINX'];
  return `fullnat in relation to others: CPU time added (less is better), then rates (more is better)
${table(['', ...headings, ...headings], rows)}`;
}

function warnings(samples: readonly Sample[]): string[] {
  const others = Math.max(...samples.map(({ othersShare }) => othersShare));
  const stolen = Math.max(...samples.map(({ stealShare }) => stealShare));
  return [
    ...(others > OTHERS_LIMIT
      ? [
          `Others used up to ${percent(others)} of the machine during a run: rates are not comparable.
`,
        ]
      : []),
    ...(stolen > STEAL_LIMIT
      ? [
          `The hypervisor took up to ${percent(stolen)} of a run: rates are lower than they could be.\n`,
        ]
      : []),
  ];
}

function programsReport({ programs, countingNanoseconds }: ProgramFigures): string {
  const rows = programs.map(({ program, load, packets, nanosecondsPerPacket }) => [
    ...[program, load, figure(packets), figure(nanosecondsPerPacket)],
  ]);
  return `Kernel programs (kernel.bpf_stats_enabled; ${figure(countingNanoseconds, 1)} ns of counting taken off)
${table(['PROGRAM', 'LOAD', 'PACKETS', 'NS/PACKET'], rows)}`;
}

function acceptReport(accept: readonly AcceptFigure[]): string {
  const without = accept.find(({ contender }) => contender === 'fullnat');
  const rows = accept.map(({ contender, connections, arrival, accept: call }) => {
    const added = arrival.p50Microseconds - (without?.arrival.p50Microseconds ?? NaN);
    return [
      ...[titleOf(contender), figure(connections)],
      ...[figure(arrival.p50Microseconds), figure(arrival.p99Microseconds)],
      ...[percent(arrival.medianSpread), contender === 'fullnat' ? '-' : figure(added, 1)],
      ...[figure(call.p50Microseconds, 1), figure(call.p99Microseconds, 1)],
      percent(call.medianSpread),
    ];
  });
  const headings = ['CONNECTIONS', 'P50 µs', 'P99 µs', 'SPREAD', 'ADDED', 'ACCEPT P50', 'P99'];
  return `From connect() to accept()'s return, and accept() alone (one at a time; ADDED: beyond no agent)
${table(['WAY', ...headings, 'SPREAD'], rows)}`;
}

function memoryReport(memory: readonly MemoryFigure[]): string {
  const rows = memory.map(({ role, capacity, maps, bytesPerSession, otherBytes }) => [
    role,
    figure(capacity),
    figure(bytesPerSession),
    ...maps.map(({ bytes }) => figure(bytes / capacity)),
    figure(otherBytes / 1024),
  ]);
  const names = memory[0]?.maps.map(({ name }) => name.toUpperCase()) ?? [];
  return `Kernel memory, bytes for each session of the capacity (taken when programs are loaded)
${table(['ROLE', 'CAPACITY', 'IN ALL', ...names, 'OTHER MAPS, KiB'], rows)}`;
}

function medianOf(samples: readonly Sample[], key: 'perSecond' | 'cpuMicroseconds'): number {
  return summary(samples.map((sample) => sample[key])).median;
}
