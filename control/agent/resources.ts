/** What the agent answers under /v1. */
import { formatEndpoint, formatIpv4Address, type Endpoint } from '../../packet/address.ts';
import { formatPortRange, type PortRange } from '../../packet/address-range.ts';
import type { Event, SessionSlot } from '../../datapath/binding/contract.ts';
import type { AgentMaps } from '../../datapath/binding/object-maps.ts';
import { secondsSince, ticksNow } from '../../datapath/binding/sessions.ts';
import type { Handlers } from '../api/route.ts';
import type { AGENT_ROUTES } from '../api/routes.ts';
import type {
  AgentSessionRow,
  CollisionCounterRow,
  CollisionRow,
  EventRow,
  InfoRow,
  ServerRow,
} from '../api/rows.ts';
import { dropRows, noteRows } from '../daemon/counters.ts';
import { formatFlow, timestampOf } from '../daemon/events.ts';
import { filterOf } from '../daemon/session-query.ts';
import { destinationOf, listSessions, sourceOf } from '../daemon/sessions.ts';
import { agentFamilies } from '../metrics/agent.ts';
import { metricsText } from '../metrics/text.ts';
import {
  comesFrom,
  every,
  goesTo,
  not,
  ofKind,
  restores,
  some,
  type End,
  type SlotFilter,
} from '../daemon/slot-filter.ts';
import { tap } from '../daemon/tap.ts';

export type AgentView = {
  readonly maps: AgentMaps;
  readonly collisions: () => readonly CollisionRow[];
  readonly events: () => readonly EventRow[];
  readonly info: () => InfoRow;
  /** Those it works at. */
  readonly interfaces: () => readonly string[];
};

export function agentHandlers({
  maps,
  collisions,
  events,
  info,
  interfaces,
}: AgentView): Handlers<typeof AGENT_ROUTES> {
  return {
    servers: () => ({ rows: serverRows(maps) }),
    sessions: ({ query }) => {
      const { peer, client, local, server, backend, visible } = query;
      const filter = filterOf(query, ticksNow(), [
        peer && isPeer(peer),
        client && isPeer(client),
        local && every(not(ofKind('direct')), comesFrom('front', local)),
        server && goesTo('front', server),
        backend && goesTo('front', backend),
        visible && goesTo('back', visible),
      ]);
      return listSessions(maps, query, filter, endsOf);
    },
    collisions: () => ({ rows: collisions() }),
    collisionCounters: async () => ({ rows: await counterRows(maps) }),
    drops: () => ({ rows: dropRows(maps) }),
    notes: () => ({ rows: noteRows(maps) }),
    events: () => ({ rows: events() }),
    info: () => ({ rows: [info()] }),
    tap: ({ query }) => tap(query, interfaces()),
    metrics: async () => ({
      text: await metricsText(agentFamilies(maps, serverRows(maps), info())),
    }),
  };
}

export function collisionRow(event: Event): CollisionRow {
  return {
    time: timestampOf(event),
    /* `visible` is the key of the server's side: as the server sends */
    client: destinationOf(event.visible),
    server: sourceOf(event.visible),
    subject: formatFlow(event.subject),
    subjectKind: event.subjectKind,
    owner: formatFlow(event.owner),
    ownerState: event.ownerState,
    ownerAgeSeconds: Math.round(secondsSince(0, event.ownerAge) * 1_000) / 1_000,
    ownerKind: event.ownerKind,
    action: event.action,
    visiblePort: event.visiblePort,
  };
}

/** Collisions have a list of their own, with more in it. */
export function eventRow(event: Event): EventRow {
  const { subject, type } = event;
  const common = { time: timestampOf(event), type };
  if (type !== 'collision')
    return { ...common, peer: sourceOf(subject), server: destinationOf(subject) };
  const { client, server, action, visiblePort } = collisionRow(event);
  return { ...common, client, server, action, visiblePort };
}

/** As `endsOf` tells it. */
function isPeer(end: End): SlotFilter {
  return some(restores(end), every(not(ofKind('restored')), comesFrom('front', end)));
}

function endsOf(slot: SessionSlot): Pick<AgentSessionRow, 'peer' | 'local' | 'server' | 'visible'> {
  const { front, back, kind, wantedPort } = slot;
  const wanted: Endpoint = { address: back.destinationAddr, port: wantedPort };
  return {
    peer: kind === 'restored' ? formatEndpoint(wanted) : sourceOf(front),
    local: kind === 'direct' ? null : sourceOf(front),
    server: destinationOf(front),
    visible: destinationOf(back),
  };
}

function serverRows(maps: AgentMaps): ServerRow[] {
  return servers(maps).map(({ address, backend, ports, onCollision }) => {
    const taken = maps.localPorts.get({ local: 0, backend });
    const { connections, packetsIn, bytesIn, packetsOut, bytesOut } =
      maps.backendTraffic.sum(backend);
    return {
      address,
      onCollision,
      remapPorts: formatPortRange(ports),
      remapInUse: taken?.inUse ?? 0,
      remapResting: taken?.resting ?? 0,
      remapFailed: taken?.failed ?? 0,
      connections,
      packetsIn,
      bytesIn,
      packetsOut,
      bytesOut,
    };
  });
}

async function counterRows(maps: AgentMaps): Promise<CollisionCounterRow[]> {
  const addressOf = new Map(servers(maps).map(({ backend, address }) => [backend, address]));
  const rows: CollisionCounterRow[] = [];
  for await (const batch of maps.collisions.entries())
    for (const [{ clientAddr, backend }, { remapped, keptLocal, dropped }] of batch)
      rows.push({
        client: formatIpv4Address(clientAddr),
        server: addressOf.get(backend) ?? 'removed from the configuration',
        remapped,
        keptLocal,
        dropped,
      });
  return rows;
}

function servers(maps: AgentMaps) {
  return [...maps.servers.keys()].flatMap((key) => {
    const server = maps.servers.get(key);
    if (server === undefined) return [];
    const { backend, remapLow, remapHigh, onCollision } = server;
    const ports: PortRange = { low: remapLow, high: remapHigh };
    const address = formatEndpoint({ address: key.addr, port: key.port });
    return [{ address, backend, ports, onCollision }];
  });
}
