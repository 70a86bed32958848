/** What the agent is told, whom it trusts, which servers it guards, and what it counts. */
import {
  cidr,
  cidrContains,
  endpoint,
  type Cidr,
  type Ipv4Address,
} from '../../../packet/index.ts';
import type { AgentTables, ServerRow } from '../data-path.ts';
import { endpointKey, type Flow } from '../flow.ts';
import { Journal } from '../journal.ts';
import { PortRanges } from '../reserve.ts';
import type { Segment } from '../segment.ts';
import type { Direction } from '../session.ts';
import { SessionTable } from '../session-table.ts';
import type { World } from '../world.ts';

export interface AgentDirection extends Direction {
  /** Nothing is rewritten. */
  readonly identity: boolean;
  /** Comes through a balancer: replies follow the link. */
  readonly fromLocal: boolean;
  /** Back: its client's side belongs to another session now. */
  released: boolean;
  /** The link-layer address that the requests came from last. */
  link: Uint8Array | undefined;
}

/** Everything that a packet's way depends on. */
export interface Agent {
  readonly world: World;
  readonly tables: AgentTables;
  readonly servers: ReadonlyMap<number, Server>;
  readonly trusted: readonly Cidr[];
  readonly sessions: SessionTable<AgentDirection>;
  readonly ports: PortRanges;
  readonly journal: Journal;
}
export interface Server extends ServerRow {
  readonly backend: number;
}

/** An agent without sessions. */
export function newAgent(world: World, tables: AgentTables): Agent {
  return {
    world,
    sessions: new SessionTable(),
    ports: new PortRanges(world.chance),
    journal: new Journal(),
    ...configured(tables),
  };
}

/** The same sessions with other tables. */
export function reconfigured(agent: Agent, tables: AgentTables): Agent {
  return { ...agent, ...configured(tables) };
}

export function findServer({ servers }: Agent, { to }: Pick<Flow, 'to'>): Server | undefined {
  return servers.get(endpointKey(to));
}

/** TOA is believed from balancers' locals only. */
export function isTrusted({ trusted }: Agent, address: Ipv4Address): boolean {
  return trusted.some((block) => cidrContains(block, address));
}

/**
 * What is in the table goes on; what is new from a local is for socket mode to see,
 * its TOA untouched. Direct connections still keep clear of restored ones.
 */
export function isLeftToSocketMode(agent: Agent, peer: Ipv4Address): boolean {
  return agent.tables.takenOver && isTrusted(agent, peer);
}

export function countTraffic({ journal }: Agent, segment: Segment, direction: Direction): void {
  const traffic = journal.backends[direction.session.backend];
  if (!traffic) return;
  if (direction.side === 'back') {
    traffic.packetsOut += 1;
    traffic.bytesOut += segment.ipBytes;
  } else {
    traffic.packetsIn += 1;
    traffic.bytesIn += segment.ipBytes;
  }
}

function configured(tables: AgentTables) {
  return {
    tables,
    servers: new Map(
      tables.servers.map((row, backend) => [endpointKey(endpoint(row.at)), { ...row, backend }]),
    ),
    trusted: tables.trusted.map((block) => cidr(block.includes('/') ? block : `${block}/32`)),
  };
}
