/** The rows of `get listeners`, `backends` and `locals`: configuration, health and the kernel's counters together. */
import { formatEndpoint, formatIpv4Address } from '../../packet/address.ts';
import {
  ANSWER_BUCKETS,
  ANSWER_SHIFT,
  type Outcomes,
  type Protection,
  type Traffic,
} from '../../datapath/binding/contract.ts';
import type { BalancerMaps } from '../../datapath/binding/object-maps.ts';
import type { BackendRow, Handshakes, ListenerRow, LocalRow, TrafficRow } from '../api/rows.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import type { Drain } from '../state/runtime.ts';
import type { Checked } from '../health/check.ts';
import type { CheckCount } from '../health/check-counts.ts';
import type { Health } from '../health/state.ts';
import { keyOf } from './desired.ts';
import type { Forecast } from './forecast.ts';
import type { Indices } from './indices.ts';
import { forecastKey } from './watch-locals.ts';

const LEAST_ANSWER_BITS = 6;

export type View = {
  readonly config: BalancerConfig;
  readonly maps: BalancerMaps;
  readonly indices: Indices;
  readonly healthOf: (pool: string, backend: string) => Health;
  /** By people, of this backend or of all. */
  readonly drainOf: (pool: string, backend: string) => Drain | undefined;
  readonly isSuspected?: (pool: string, backend: string) => boolean;
  /** Absent where nobody checks. */
  readonly checksOf?: (backend: string) => CheckCount;
  readonly lastCheckOf?: (pool: string, backend: string) => Checked | undefined;
};

export function listenerRows({ config, maps, indices, healthOf, drainOf }: View): ListenerRow[] {
  return config.listeners.map(
    ({ name, address, pool, toa, onUnknown, onRefused, synProtection }) => {
      const index = indices.listeners.get(keyOf(address)) ?? 0;
      const traffic = maps.listenerTraffic.sum(index);
      const protection = maps.protections.get(index);
      const outcomes = maps.listenerOutcomes.sum(index);
      const backends = config.pools.find((one) => one.name === pool)?.backends ?? [];
      const isUp = (backend: (typeof backends)[number]) =>
        backend.weight > 0 &&
        drainOf(pool, keyOf(backend.address)) === undefined &&
        healthOf(pool, keyOf(backend.address)).isUsed;
      return {
        name,
        address: formatEndpoint(address),
        pool,
        toa,
        onUnknown,
        onRefused,
        synProtection,
        synCookies: sendsCookies(synProtection, protection),
        opening: protection.opening,
        backendsUp: backends.filter(isUp).length,
        backendsTotal: backends.length,
        live: maps.listenerLive.get(index),
        ...trafficOf(traffic),
        refused: traffic.refused,
        resetsClient: outcomes.resetsClient,
        resetsServer: outcomes.resetsServer,
        handshakes: handshakesOf(outcomes),
        toaInserted: traffic.toaInserted,
        toaNotInserted: traffic.toaNotInserted,
        toaAnnounced: traffic.toaAnnounced,
        toaNotDelivered: traffic.toaNotDelivered,
      };
    },
  );
}

/** Whether a SYN that comes now is answered with a cookie. */
function sendsCookies(
  mode: ListenerRow['synProtection'],
  { active }: Pick<Protection, 'active'>,
): boolean {
  return mode === 'always' || (mode === 'auto' && active !== 0);
}

/** A backend in two pools has one set of counters, shown in both rows. */
export function backendRows(view: View): BackendRow[] {
  const { config, maps, indices } = view;
  return config.pools.flatMap((pool) =>
    pool.backends.map(({ name, address, weight }) => {
      const index = indices.backends.get(keyOf(address)) ?? 0;
      const live = maps.backendLive.get(index);
      const { state, since, reason } = stateOf(view, pool.name, keyOf(address), live);
      return {
        pool: pool.name,
        name,
        address: formatEndpoint(address),
        weight,
        state,
        since,
        reason,
        ...checkRow(view.lastCheckOf?.(pool.name, keyOf(address))),
        live,
        ...trafficOf(maps.backendTraffic.sum(index)),
      };
    }),
  );
}

function checkRow(
  check: Checked | undefined,
): Pick<BackendRow, 'checkedAt' | 'checkResult' | 'checkSeconds'> {
  if (check === undefined) return { checkedAt: null, checkResult: null, checkSeconds: null };
  const { atMs, tookMs, result } = check;
  return {
    checkedAt: new Date(atMs).toISOString(),
    checkResult: result.ok ? 'ok' : result.reason,
    checkSeconds: Math.round(tookMs * 1_000) / 1e6,
  };
}

/** What people want of it comes before what its checks say. */
function stateOf(
  { drainOf, healthOf, isSuspected }: View,
  pool: string,
  backend: string,
  live: number,
): Pick<BackendRow, 'state' | 'since' | 'reason'> {
  const drain = drainOf(pool, backend);
  const { state, sinceMs, reason } = healthOf(pool, backend);
  if (drain === undefined)
    return {
      state: state === 'up' && isSuspected?.(pool, backend) === true ? 'suspected' : state,
      since: new Date(sinceMs).toISOString(),
      reason,
    };
  const end = drain.until === null ? 'drained' : `drained until ${drain.until}`;
  return {
    state: live > 0 ? 'draining' : 'disabled',
    since: drain.since,
    reason: `${end}, then ${drain.afterwards}`,
  };
}

/** Every pair of a local and a backend that has ever had a session. */
export async function localRows(
  { maps }: Pick<View, 'maps'>,
  forecast: Forecast,
): Promise<LocalRow[]> {
  const rows: LocalRow[] = [];
  for await (const batch of maps.localPorts.entries())
    for (const [pair, { inUse, resting, allocated, probes, failed, reused }] of batch) {
      const local = maps.locals.get(pair.local);
      const capacity = local.portHigh - local.portLow + 1;
      const backend = maps.backends.get(pair.backend);
      rows.push({
        address: formatIpv4Address(local.addr),
        backend: formatEndpoint({ address: backend.addr, port: backend.port }),
        inUse,
        resting,
        capacity,
        secondsToExhaustion: forecast.secondsLeft(forecastKey(pair), capacity),
        allocated,
        probes,
        failed,
        reused,
      });
    }
  return rows.toSorted((a, b) => compare(a.address, b.address) || compare(a.backend, b.backend));
}

/** The first buckets, below 65 µs, are one: no handshake over a wire is shorter. */
function handshakesOf({ answers, answerUnits }: Outcomes): Handshakes {
  const buckets = answers.map((count, bits) => ({
    upToSeconds: bits === ANSWER_BUCKETS - 1 ? null : secondsOf(2 ** bits),
    count,
  }));
  const first = buckets.slice(0, LEAST_ANSWER_BITS + 1);
  const together = first.reduce((sum, { count }) => sum + count, 0);
  return {
    buckets: [
      { upToSeconds: secondsOf(2 ** LEAST_ANSWER_BITS), count: together },
      ...buckets.slice(LEAST_ANSWER_BITS + 1),
    ],
    sumSeconds: secondsOf(answerUnits),
  };
}

function secondsOf(answerUnits: number): number {
  return (answerUnits * 2 ** ANSWER_SHIFT) / 1e9;
}

function trafficOf(traffic: Traffic): TrafficRow {
  const { connections, packetsIn, bytesIn, packetsOut, bytesOut } = traffic;
  return { connections, packetsIn, bytesIn, packetsOut, bytesOut };
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
