/** What the balancer is told, and what it keeps and counts. */
import { endpoint, ipv4Address, type Endpoint } from '../../../packet/index.ts';
import type { BalancerTables, ListenerRow } from '../data-path.ts';
import { endpointKey } from '../flow.ts';
import { Journal } from '../journal.ts';
import { PortRanges } from '../reserve.ts';
import type { Direction } from '../session.ts';
import { SessionTable } from '../session-table.ts';
import type { Protection } from './protection.ts';
import type { ToaMode } from '../words.ts';
import type { World } from '../world.ts';

export interface BalancerDirection extends Direction {
  /** Which of the client's segments get TOA. */
  readonly toa: ToaMode;
  /** The SYN had no room for TOA. */
  toaDue: boolean;
  /** A segment after the SYN had it. */
  toaSent: boolean;
}

/** Everything that a packet's way depends on. */
export interface Balancer {
  readonly world: World;
  readonly tables: BalancerTables;
  readonly listeners: ReadonlyMap<number, Listener>;
  readonly localAddresses: ReadonlySet<number>;
  readonly backends: readonly Endpoint[];
  readonly sessions: SessionTable<BalancerDirection>;
  readonly ports: PortRanges;
  /** By pool: the position in its schedule that was chosen last. */
  readonly cursors: Map<number, number>;
  /** By pool and prefix of clients: the backend that they come back to. */
  readonly sticky: Map<string, Sticky>;
  /** By listener, and by client: when a token bucket would be full again. */
  readonly buckets: Map<string, number>;
  /** By listener. */
  readonly protections: Map<number, Protection>;
  readonly journal: Journal;
}
export interface Sticky {
  readonly backend: number;
  /** Its address: indices are given away again. */
  readonly at: Endpoint;
  readonly untilNs: number;
}
/** A listener and a prefix of clients. */
export type ClientKey = `${number}/${number}`;
export interface Listener extends ListenerRow {
  readonly index: number;
}

/** A balancer without sessions. */
export function newBalancer(world: World, tables: BalancerTables): Balancer {
  return {
    world,
    sessions: new SessionTable(),
    ports: new PortRanges(world.chance),
    cursors: new Map(),
    sticky: new Map(),
    buckets: new Map(),
    protections: new Map(),
    journal: new Journal(),
    ...configured(tables),
  };
}

/** The same sessions with other tables. */
export function reconfigured(balancer: Balancer, tables: BalancerTables): Balancer {
  return { ...balancer, ...configured(tables) };
}

function configured(tables: BalancerTables) {
  return {
    tables,
    listeners: new Map(
      tables.listeners.map((row, index) => [endpointKey(endpoint(row.at)), { ...row, index }]),
    ),
    localAddresses: new Set(tables.locals.map(({ address }) => ipv4Address(address))),
    backends: tables.backends.map((at) => endpoint(at)),
  };
}
