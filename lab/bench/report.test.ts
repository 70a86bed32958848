import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACCEPT_WAYS } from './accept.ts';
import { CONTENDERS } from './contenders.ts';
import type { Sample } from './measures.ts';
import { report, type BenchResult } from './report.ts';

const COLUMNS = 100;
const SAMPLE: Sample = {
  ...{ count: 30_000, perSecond: 10_000, cpuMicroseconds: 100, synRetransmits: 0, retransmits: 7 },
  ...{ busyShare: 1, othersShare: 0, stealShare: 0, errors: 0 },
};

/** The first ways are twice as dear and half as fast as the one before; the second round is an outlier. */
const FIGURES: BenchResult['figures'] = (
  ['connections', 'latency', 'requests', 'bulk'] as const
).flatMap((measure) =>
  CONTENDERS.map((contender, i) => {
    const factor = 2 ** Math.min(i, 5);
    const sample = { perSecond: 10_000 / factor, cpuMicroseconds: 100 * factor };
    const outlier = { perSecond: 1, cpuMicroseconds: 9e6, synRetransmits: 12_345, errors: 2 };
    return {
      ...{ measure, contender },
      samples: [
        { ...SAMPLE, ...sample },
        { ...SAMPLE, ...outlier },
        { ...SAMPLE, ...sample },
      ],
    };
  }),
);

const RESULT: BenchResult = {
  date: '2026-11-22T13:18:55.495Z',
  machine: { cpu: 'AMD EPYC', cores: 2, kernel: '6.18.44', memoryGiB: 24, jit: true },
  options: { rounds: 3, seconds: 3, ways: [], only: ['connections'], output: 'table', save: false },
  figures: FIGURES,
  programs: {
    countingNanoseconds: 21.5,
    programs: [
      ...['balancer_ingress', 'agent_from_server'].map((program) => ({
        ...{ program, load: 'connections' as const, packets: 3_872_670 },
        nanosecondsPerPacket: 171.4,
      })),
    ],
  },
  accept: ACCEPT_WAYS.map((contender) => ({
    ...{ contender, connections: 100_000 },
    arrival: { p50Microseconds: 1_234.5, p99Microseconds: 12_345.6, medianSpread: 1.234 },
    accept: { p50Microseconds: 12.3, p99Microseconds: 1_234.5, medianSpread: 0.123 },
  })),
  memory: [
    {
      ...{ role: 'balancer', capacity: 1_048_576, bytesPerSession: 324, otherBytes: 2 ** 21 },
      maps: [
        { name: 'sessions', bytes: 256 * 1_048_576 },
        { name: 'session_slots', bytes: 64 * 1_048_576 },
        { name: 'free_slots', bytes: 4 * 1_048_576 },
      ],
    },
  ],
  expiry: {
    sweeps: [
      {
        sessions: 1_000_000,
        lateSeconds: { min: 1, median: 1.51, max: 2.13 },
        idle: {
          ...{ coreShare: 0.01144, passesPerSecond: 0.994 },
          ...{ nanosecondsPerSlot: 11.57, stepMicroseconds: 231.4 },
        },
        mass: {
          ...{ expired: 998_000, seconds: 1.75 },
          ...{ nanosecondsPerSession: 759, stepMicroseconds: 15_172 },
        },
      },
    ],
    lookups: [
      { sessions: 1_000, nanosecondsPerPacket: 400 },
      { sessions: 1_000_000, nanosecondsPerPacket: 1_000 },
    ],
    listings: [
      {
        ...{ sessions: 2_000_000, query: 'state=established&limit=2000' },
        ...{ rows: 2_000, total: 2_000_000, longestStopMs: 12.3 },
        seconds: { min: 0.5, median: 0.65, max: 0.7 },
      },
    ],
    quietStopMs: 1.2,
  },
};

test('everything fits a terminal', () => {
  for (const line of report(RESULT).split('\n'))
    assert.ok(line.length <= COLUMNS, `${line.length} columns: ${line}`);
});

test('the median is shown, its ratio and what is added to the direct way; all rounds’ trouble', () => {
  const lines = report(RESULT).split('\n');
  const [direct, forward] = ['direct', 'kernel forwarding'].map((title) =>
    lines.find((line) => line.startsWith(title))?.split(/ {2,}/),
  );
  assert.deepEqual(direct?.slice(-9), [
    ...['10,000', '100 %', '1.00', '100.0', '8,999,900 %', '-', '12,345', '21', '2'],
  ]);
  assert.deepEqual(forward?.slice(-9), [
    ...['5,000', '100 %', '0.50', '200.0', '4,499,900 %', '100.0', '12,345', '21', '2'],
  ]);
});

test('a machine that others used, or that was not there, is told', () => {
  const others = { ...SAMPLE, othersShare: 0.81, stealShare: 0.5 };
  const figures = FIGURES?.map((one) => ({ ...one, samples: [others] })) ?? [];
  assert.match(report({ ...RESULT, figures }), /Others used up to 81 % of the machine/);
  assert.match(report({ ...RESULT, figures }), /The hypervisor took up to 50 %/);
  assert.doesNotMatch(report(RESULT), /Others used|hypervisor/);
});

test('parts that were not asked for are not there', () => {
  const { date, machine, options } = RESULT;
  assert.equal(report({ date, machine, options }).split('\n').length, 5);
});
