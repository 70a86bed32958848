/** The agent's daemon in packet mode: loads or adopts the data path, tells it whom to trust, keeps the collisions. */
import { agentMaps } from '../../datapath/binding/object-maps.ts';
import type { Event } from '../../datapath/binding/contract.ts';
import {
  refuseOtherCapacities,
  type Capacities,
  type LoadedObject,
} from '../../datapath/binding/object.ts';
import { NOTE } from '../../datapath/binding/verdicts.ts';
import { bind } from '../api/route.ts';
import { AGENT_ROUTES } from '../api/routes.ts';
import type { CollisionRow, EventRow } from '../api/rows.ts';
import type { AgentConfig, PacketAgentConfig } from '../config/agent.ts';
import { Attachments, type Place } from '../daemon/attachments.ts';
import { infoRow } from '../daemon/counters.ts';
import { readEvents } from '../daemon/events.ts';
import { messageOf } from '../daemon/failure.ts';
import { History } from '../daemon/history.ts';
import { LostEvents } from '../daemon/lost-events.ts';
import { loadRole, roomFor, startSweep } from '../daemon/object.ts';
import { findReferences } from '../daemon/references.ts';
import { Troubles } from '../daemon/troubles.ts';
import type { ReloadState } from '../reconcile/configurator.ts';
import {
  behindDoor,
  keepWorking,
  sayGoodbye,
  type DaemonOptions,
  type Door,
  type Work,
} from '../daemon/serve.ts';
import { randomSecret } from '../daemon/settings.ts';
import { removeWhenDone } from './mode-before.ts';
import { inMode } from './mode.ts';
import { takeOverSocketMode } from './socket-before.ts';
import { agentHandlers, collisionRow, eventRow } from './resources.ts';
import { applyAgent } from './tables.ts';

const EVENTS_KEPT = 10_000;

/** Resolves when the daemon has stopped; rejects when it could not start. */
export async function runPacketAgent(
  config: PacketAgentConfig,
  options: DaemonOptions<AgentConfig>,
): Promise<void> {
  const { instance } = config;
  await behindDoor('agent', instance, async (door) => {
    const object = await loadRole('agent', instance, capacitiesOf(config), options.log);
    try {
      await keepRestoring(config, options, object, door);
    } finally {
      object.close();
    }
  });
  await sayGoodbye('agent', instance, options);
}

async function keepRestoring(
  config: PacketAgentConfig,
  options: DaemonOptions<AgentConfig>,
  object: LoadedObject,
  door: Door,
): Promise<void> {
  const { log, configFile } = options;
  const { instance } = config;
  const facts = { role: 'agent', instance, configFile, since: new Date() } as const;
  const maps = agentMaps(object);
  const attachments = new Attachments({ object, instance, role: 'agent', log });
  let interfaces: readonly string[] = [];
  const apply = async (wanted: PacketAgentConfig) => {
    interfaces = wanted.interfaces.map(({ name }) => name);
    await applyAgent({ maps, findReferences: () => findReferences(maps), randomSecret }, wanted);
    attachments.place(placesOf(wanted));
    log.info({ servers: wanted.servers.length }, 'restoring client addresses');
  };
  maps.takenOver.set(0, 0); /* back from socket mode */
  await startSweep(object);
  await apply(config);
  const before = takeOverSocketMode(instance);
  if (before !== undefined)
    log.info(
      { instance },
      'taken over from socket mode, which goes on with the connections it has',
    );

  const collisions = new History<CollisionRow>(EVENTS_KEPT);
  const events = new History<EventRow>(EVENTS_KEPT);
  const troubles = new Troubles({ log, nowMs: () => performance.now() });
  const lost = new LostEvents({ count: () => maps.notes.sum(NOTE['event-lost']), troubles });
  const onEvent = (event: Event) => {
    const row = eventRow(event);
    events.add(row);
    const { time: happened, ...data } = row;
    if (event.type === 'collision') {
      collisions.add(collisionRow(event));
      /* it is solved; what is left to do about it is in the counters */
      log.debug({ ...data, happened }, event.type);
    } else troubles.tell(`${event.type} ${row['server']}`, { ...data, happened }, event.type);
  };
  const follow = () => {
    attachments.follow();
    lost.follow();
    troubles.follow();
  };
  const onError = (error: unknown) =>
    log.error({ error: messageOf(error) }, 'events cannot be read');
  const stop = new AbortController();
  const removal = before && removeWhenDone(before, { instance, log }, stop.signal);
  try {
    readEvents(maps.events, onEvent, onError, stop.signal);
    const routes = (reload: () => ReloadState) =>
      bind(
        AGENT_ROUTES,
        agentHandlers({
          maps,
          collisions: () => collisions.all(),
          events: () => events.all(),
          interfaces: () => interfaces,
          info: () => ({ ...infoRow({ ...facts, ...reload() }, object, maps), mode: 'packet' }),
        }),
      );
    const work: Work<AgentConfig> = {
      check: async (wanted) => {
        const capacities = capacitiesOf(inMode('packet', wanted));
        await refuseOtherCapacities(object, { instance, role: 'agent', capacities });
      },
      apply: (wanted) => apply(inMode('packet', wanted)),
      follow,
      events,
      routes,
    };
    await keepWorking('agent', options, work, door);
  } finally {
    stop.abort();
    await removal;
  }
}

function placesOf({ interfaces }: PacketAgentConfig): Place[] {
  return interfaces.flatMap(({ name, facing }): Place[] => {
    const isServer = facing === 'server';
    return [
      { program: 'agent_to_server', interface: name, direction: isServer ? 'egress' : 'ingress' },
      { program: 'agent_from_server', interface: name, direction: isServer ? 'ingress' : 'egress' },
    ];
  });
}

/** Fixed where it costs little, so that a changed configuration fits what is pinned. */
function capacitiesOf({ sessions, servers }: PacketAgentConfig): Capacities {
  const room = roomFor(servers.length * 2, 1_024);
  return {
    sessions: 2 * sessions.capacity,
    session_slots: sessions.capacity,
    free_slots: sessions.capacity,
    numbers: sessions.capacity,
    servers: room,
    backend_traffic: room,
    local_ports: roomFor(room, 4_096),
    trusted_locals: 4_096,
  };
}
