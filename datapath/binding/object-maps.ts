/** The maps of balancer.bpf.o, agent.bpf.o and socket.bpf.o, typed, by the names that contract.h gives their contents. */
import { address4, counter, named, u32, u64 } from './codec.ts';
import {
  ACCESS,
  accessPrefix4,
  admission,
  backend,
  clientSet,
  collisionCount,
  collisionKey,
  endpoint4,
  endpoint6,
  flow4,
  listener,
  local,
  localPair,
  localPorts,
  numbers,
  pool,
  prefix4,
  prefix6,
  server,
  sessionEntry,
  sessionSlot,
  settings,
  socketSettings,
  sweep,
  traffic,
} from './contract.ts';
import { addCounters, addNumbers, ArrayMap, PerCpuArray, StackMap, TypedMap } from './map.ts';
import type { MapSource } from './object.ts';

export type CommonMaps = ReturnType<typeof commonMaps>;
export type BalancerMaps = ReturnType<typeof balancerMaps>;
export type AgentMaps = ReturnType<typeof agentMaps>;
export type SocketMaps = ReturnType<typeof socketMaps>;

export function balancerMaps(from: MapSource) {
  return {
    ...commonMaps(from),
    listeners: new TypedMap(from.map('listeners'), endpoint4, listener),
    pools: new ArrayMap(from.map('pools'), pool),
    schedule: new ArrayMap(from.map('schedule'), u32),
    backends: new ArrayMap(from.map('backends'), backend),
    locals: new ArrayMap(from.map('locals'), local),
    localsByAddr: new TypedMap(from.map('locals_by_addr'), address4, u32),
    listenerTraffic: new PerCpuArray(from.map('listener_traffic'), traffic, addCounters),
    admissions: new ArrayMap(from.map('admissions'), admission),
    accessPrefixes: new TypedMap(from.map('access_prefixes'), accessPrefix4, named(u32, ACCESS)),
    listenerBuckets: new ArrayMap(from.map('listener_buckets'), u64),
    clientSeats: new ArrayMap(from.map('client_seats'), clientSet),
    backendLimits: new ArrayMap(from.map('backend_limits'), u32),
    listenerLive: new ArrayMap(from.map('listener_live'), u32),
    backendLive: new ArrayMap(from.map('backend_live'), u32),
  };
}

export function agentMaps(from: MapSource) {
  return {
    ...commonMaps(from),
    servers: new TypedMap(from.map('servers'), endpoint4, server),
    trustedLocals: new TypedMap(from.map('trusted_locals'), prefix4, u32),
    collisions: new TypedMap(from.map('collisions'), collisionKey, collisionCount),
    takenOver: new ArrayMap(from.map('taken_over'), u32),
  };
}

export function socketMaps(from: MapSource) {
  return {
    socketSettings: new ArrayMap(from.map('socket_settings'), socketSettings),
    socketTrusted: new TypedMap(from.map('socket_trusted'), prefix6, u32),
    socketServers: new TypedMap(from.map('socket_servers'), endpoint6, u32),
    socketNotes: new PerCpuArray(from.map('socket_notes'), counter, addNumbers),
    clients: from.map('clients'),
  };
}

export function commonMaps(from: MapSource) {
  return {
    settings: new ArrayMap(from.map('settings'), settings),
    sweep: new ArrayMap(from.map('sweep'), sweep),
    sessionSlots: new ArrayMap(from.map('session_slots'), sessionSlot),
    freeSlots: new StackMap(from.map('free_slots'), u32),
    numbers: new ArrayMap(from.map('numbers'), numbers),
    sessions: new TypedMap(from.map('sessions'), flow4, sessionEntry),
    localPorts: new TypedMap(from.map('local_ports'), localPair, localPorts),
    verdicts: new PerCpuArray(from.map('verdicts'), counter, addNumbers),
    notes: new PerCpuArray(from.map('notes'), counter, addNumbers),
    backendTraffic: new PerCpuArray(from.map('backend_traffic'), traffic, addCounters),
    events: from.map('events'),
  };
}
