/** The balancer's metrics: listeners, backends and locals, beside what both roles have. */
import { PROBE_BUCKETS, type Trouble } from '../../datapath/binding/contract.ts';
import type { BackendRow, InfoRow, ListenerRow, LocalRow } from '../api/rows.ts';
import type { Forecast } from '../balancer/forecast.ts';
import { backendRows, listenerRows, localRows, type View } from '../balancer/rows.ts';
import type { CheckCount } from '../health/check-counts.ts';
import { familiesOf, single, type Column } from './collect.ts';
import { packetFamilies, processFamilies, programFamilies, sessionFamilies } from './common.ts';
import type { Family, Histogram } from './text.ts';

const LISTENER: readonly Column<ListenerRow>[] = [
  { name: 'fullnat_listener_connections_total', value: (row) => row.connections },
  { name: 'fullnat_listener_sessions', value: (row) => row.live },
  { name: 'fullnat_listener_refused_total', value: (row) => row.refused },
  ...(['client', 'server'] as const).map((side) => ({
    name: 'fullnat_listener_resets_total' as const,
    value: (row: ListenerRow) => (side === 'client' ? row.resetsClient : row.resetsServer),
    labels: { side },
  })),
  {
    name: 'fullnat_listener_handshake_seconds',
    value: ({ handshakes: { buckets, sumSeconds } }) => ({
      buckets: buckets.map(({ upToSeconds, count }) => ({ upTo: upToSeconds ?? Infinity, count })),
      sum: sumSeconds,
    }),
  },
  ...directions('fullnat_listener_packets_total', 'packets'),
  ...directions('fullnat_listener_bytes_total', 'bytes'),
  { name: 'fullnat_listener_backends', value: (row) => row.backendsTotal },
  { name: 'fullnat_listener_backends_up', value: (row) => row.backendsUp },
  { name: 'fullnat_listener_toa_inserted_total', value: (row) => row.toaInserted },
  { name: 'fullnat_listener_toa_not_inserted_total', value: (row) => row.toaNotInserted },
  { name: 'fullnat_listener_toa_announced_total', value: (row) => row.toaAnnounced },
  { name: 'fullnat_listener_toa_not_delivered_total', value: (row) => row.toaNotDelivered },
];

type BackendSum = BackendRow & {
  readonly isUsed: boolean;
  readonly checks: CheckCount | undefined;
  readonly trouble: Trouble;
};

const BACKEND: readonly Column<BackendSum>[] = [
  { name: 'fullnat_backend_up', value: (row) => (row.isUsed ? 1 : 0) },
  {
    name: 'fullnat_backend_state_since_timestamp_seconds',
    value: (row) => Date.parse(row.since) / 1_000,
  },
  { name: 'fullnat_backend_weight', value: (row) => row.weight },
  { name: 'fullnat_backend_connections_total', value: (row) => row.connections },
  { name: 'fullnat_backend_sessions', value: (row) => row.live },
  ...directions('fullnat_backend_packets_total', 'packets'),
  ...directions('fullnat_backend_bytes_total', 'bytes'),
  {
    name: 'fullnat_backend_checks_total',
    value: ({ checks }) => checks?.succeeded,
    labels: { result: 'success' },
  },
  {
    name: 'fullnat_backend_checks_total',
    value: ({ checks }) => checks?.failed,
    labels: { result: 'failure' },
  },
  { name: 'fullnat_backend_check_seconds_total', value: ({ checks }) => checks?.seconds },
  {
    name: 'fullnat_backend_unaccepted_total',
    value: ({ trouble }) => trouble.refused,
    labels: { reason: 'refused' },
  },
  {
    name: 'fullnat_backend_unaccepted_total',
    value: ({ trouble }) => trouble.unanswered,
    labels: { reason: 'unanswered' },
  },
];

/** Of one local, towards all backends: a series for each pair would be too many. */
type LocalSum = {
  readonly address: string;
  readonly rows: readonly LocalRow[];
};

const LOCAL: readonly Column<LocalSum>[] = [
  { name: 'fullnat_local_ports_capacity', value: ({ rows }) => rows[0]?.capacity },
  { name: 'fullnat_local_ports_in_use', value: sumOf('inUse') },
  { name: 'fullnat_local_ports_resting', value: sumOf('resting') },
  {
    name: 'fullnat_local_ports_used_ratio',
    value: ({ rows }) => most(rows.map(({ inUse, capacity }) => inUse / capacity)),
  },
  {
    name: 'fullnat_local_exhaustion_seconds',
    value: ({ rows }) => {
      const known = rows.flatMap(({ secondsToExhaustion }) => secondsToExhaustion ?? []);
      return known.length === 0 ? undefined : -most(known.map((seconds) => -seconds));
    },
  },
  { name: 'fullnat_local_allocations_total', value: sumOf('allocated') },
  { name: 'fullnat_local_allocation_failures_total', value: sumOf('failed') },
  { name: 'fullnat_local_reuses_total', value: sumOf('reused') },
];

export async function balancerFamilies(
  view: View,
  forecast: Forecast,
  info: InfoRow,
): Promise<Family[]> {
  const { maps, indices, healthOf, checksOf } = view;
  const backends = backendRows(view).map((row): BackendSum => ({
    ...row,
    isUsed: healthOf(row.pool, row.address).isUsed,
    checks: checksOf?.(row.address),
    trouble: maps.backendTrouble.get(indices.backends.get(row.address) ?? 0),
  }));
  const locals = await localRows(view, forecast);
  return [
    ...processFamilies(info),
    ...familiesOf(listenerRows(view), ({ name, pool }) => ({ listener: name, pool }), LISTENER),
    ...familiesOf(backends, ({ pool, address }) => ({ pool, backend: address }), BACKEND),
    ...familiesOf(backends, ({ pool, address, state }) => ({ pool, backend: address, state }), [
      { name: 'fullnat_backend_state_info', value: () => 1 },
    ]),
    ...familiesOf(byLocal(locals), ({ address }) => ({ local: address }), LOCAL),
    single('fullnat_local_allocation_probes', { role: 'balancer' }, probesOf(maps, locals)),
    ...sessionFamilies(info, maps.notes),
    ...packetFamilies('balancer', maps),
    ...programFamilies(info),
  ];
}

/** Bucket n has searches that looked at 2^n candidates at most. */
function probesOf(
  { portProbes }: Pick<View['maps'], 'portProbes'>,
  locals: readonly LocalRow[],
): Histogram {
  const counts = portProbes.sums(PROBE_BUCKETS);
  return {
    buckets: [...counts.map((count, i) => ({ upTo: 2 ** i, count })), { upTo: Infinity, count: 0 }],
    sum: locals.reduce((sum, { probes }) => sum + probes, 0),
  };
}

function byLocal(rows: readonly LocalRow[]): LocalSum[] {
  const locals = new Map<string, LocalRow[]>();
  for (const row of rows) {
    const own = locals.get(row.address);
    if (own === undefined) locals.set(row.address, [row]);
    else own.push(row);
  }
  return [...locals].map(([address, own]) => ({ address, rows: own }));
}

function sumOf(field: 'inUse' | 'resting' | 'allocated' | 'failed' | 'reused') {
  return ({ rows }: LocalSum) => rows.reduce((sum, row) => sum + row[field], 0);
}

/** Not Math.max(...): there may be more backends than a call can have arguments. */
function most(values: readonly number[]): number {
  return values.reduce((largest, value) => Math.max(largest, value), -Infinity);
}

function directions(
  name: Column<unknown>['name'],
  what: 'packets' | 'bytes',
): Column<Record<`${typeof what}${'In' | 'Out'}`, number>>[] {
  return [
    { name, value: (row) => row[`${what}In`], labels: { direction: 'in' } },
    { name, value: (row) => row[`${what}Out`], labels: { direction: 'out' } },
  ];
}
