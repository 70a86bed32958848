/** Everything that is read at one place at one moment. */
import { formatIpv4Address, type Endpoint } from '../../packet/address.ts';
import { missing, type Collected } from './collected.ts';
import { collectConntrack, type Conntrack } from './conntrack.ts';
import { collectCounters, type Counters } from './counters.ts';
import { collectDaemon, type Daemon, type DaemonSocket } from './daemons.ts';
import { collectFilters, type FilterRule } from './filters.ts';
import { collectLog, collectSoftnet, collectSysctls, collectXfrm, type Softnet } from './kernel.ts';
import {
  collectLinks,
  collectNicStats,
  collectPolicers,
  collectQdiscs,
  collectSpeeds,
} from './links.ts';
import type { Link, Qdisc } from './links.ts';
import { collectAddresses, collectNeighbours, collectRoute } from './network.ts';
import type { Neighbour, RouteAnswer } from './network.ts';
import type { Runner } from './runner.ts';
import { collectSockets, type Sockets } from './sockets.ts';

/** Somewhere on the path that can be asked. */
export interface Place {
  readonly name: string;
  readonly runner: Runner;
  readonly daemon?: DaemonSocket;
}

/** What decides which routes and sockets are of interest. */
export interface Subject {
  readonly target: Endpoint;
  readonly backends: readonly Endpoint[];
  /** Addresses that connect. */
  readonly clients: readonly string[];
}

export interface Snapshot {
  readonly takenMs: number;
  readonly counters: Collected<Counters>;
  readonly conntrack: Collected<Conntrack>;
  readonly filters: Collected<readonly FilterRule[]>;
  readonly sockets: Collected<Sockets>;
  readonly sysctls: Collected<ReadonlyMap<string, string>>;
  readonly addresses: Collected<readonly string[]>;
  /** Towards the target, the backends and the clients. */
  readonly routes: readonly Collected<RouteAnswer>[];
  readonly neighbours: Collected<readonly Neighbour[]>;
  readonly links: Collected<readonly Link[]>;
  readonly nicStats: Collected<ReadonlyMap<string, bigint>>;
  readonly speeds: Collected<ReadonlyMap<string, number>>;
  readonly qdiscs: Collected<readonly Qdisc[]>;
  readonly policers: Collected<ReadonlyMap<string, bigint>>;
  readonly softnet: Collected<Softnet>;
  readonly xfrm: Collected<ReadonlyMap<string, bigint>>;
  readonly log: Collected<readonly string[]>;
  readonly daemon: Collected<Daemon>;
}

export const NO_DAEMON = 'no socket of a fullnat daemon was named';

export async function takeSnapshot(
  { runner, daemon }: Place,
  { target, backends, clients }: Subject,
  nowMs: number,
): Promise<Snapshot> {
  const ends = [target, ...backends];
  const ports = [...new Set(ends.map(({ port }) => port))];
  const destinations = [
    ...new Set([...ends.map(({ address }) => formatIpv4Address(address)), ...clients]),
  ];
  const [links, qdiscs] = await Promise.all([collectLinks(runner), collectQdiscs(runner)]);
  // Programs that are started for nothing cost most of the time: only what a device can have.
  const nics = links.ok ? links.value.filter(isNic).map(({ name }) => name) : [];
  const filtered = qdiscs.ok ? qdiscs.value.filter(isIngress).map(({ device }) => device) : [];
  const [counters, conntrack, filters, sockets, sysctls, addresses, routes, neighbours] =
    await Promise.all([
      collectCounters(runner),
      collectConntrack(runner),
      collectFilters(runner),
      collectSockets(runner, ports),
      collectSysctls(runner),
      collectAddresses(runner),
      Promise.all(destinations.map((to) => collectRoute(runner, to))),
      collectNeighbours(runner),
    ]);
  const [nicStats, speeds, policers, softnet, xfrm, log, answers] = await Promise.all([
    collectNicStats(runner, nics),
    collectSpeeds(runner, nics),
    collectPolicers(runner, filtered),
    collectSoftnet(runner),
    collectXfrm(runner),
    collectLog(runner),
    daemon === undefined ? missing(NO_DAEMON) : collectDaemon(runner, daemon),
  ]);
  return {
    takenMs: nowMs,
    ...{ counters, conntrack, filters, sockets, sysctls, addresses, routes, neighbours },
    ...{ links, nicStats, speeds, qdiscs, policers, softnet, xfrm, log, daemon: answers },
  };
}

function isNic({ name, kind }: Link): boolean {
  return kind === undefined && name !== 'lo';
}

function isIngress({ kind }: Qdisc): boolean {
  return kind === 'clsact' || kind === 'ingress';
}
