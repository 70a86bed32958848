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
  outcomes,
  pool,
  prefix4,
  prefix6,
  protection,
  server,
  sessionEntry,
  sessionSlot,
  settings,
  socketSettings,
  sticky,
  stickyKey,
  sweep,
  traffic,
  trouble,
  type Outcomes,
} from './contract.ts';
import { kernelMaps, type AnyMaps, type KernelMaker, type MapMaker } from './map-maker.ts';
import { addCounters, addNumbers, ArrayMap, PerCpuArray, TypedMap } from './map.ts';
import type { MapSource } from './object.ts';

export type CommonMaps = ReturnType<typeof commonMaps>;
export type KernelBalancerMaps = ReturnType<typeof balancerMaps>;
/** Of a balancer, wherever they lie: in the kernel, or in a process that forwards by itself. */
export type BalancerMaps = AnyMaps<Omit<KernelBalancerMaps, 'events'>>;
export type AgentMaps = ReturnType<typeof agentMaps>;
export type SocketMaps = ReturnType<typeof socketMaps>;

export function balancerMaps(from: MapSource) {
  return { ...makeBalancerMaps(kernelMaps(from)), events: from.map('events') };
}

/** As what `make` makes: the classes of the kernel's maps are only names for what they can do. */
export function balancerMapsIn(make: MapMaker): BalancerMaps {
  return makeBalancerMaps(make as KernelMaker);
}

function makeBalancerMaps(make: KernelMaker) {
  return {
    ...makeCommonMaps(make),
    listeners: make.table('listeners', endpoint4, listener),
    pools: make.array('pools', pool),
    schedule: make.array('schedule', u32),
    stickyClients: make.table('sticky_clients', stickyKey, sticky),
    backends: make.array('backends', backend),
    locals: make.array('locals', local),
    localsByAddr: make.table('locals_by_addr', address4, u32),
    listenerTraffic: make.counters('listener_traffic', traffic, addCounters),
    listenerOutcomes: make.counters('listener_outcomes', outcomes, addOutcomes),
    admissions: make.array('admissions', admission),
    accessPrefixes: make.table('access_prefixes', accessPrefix4, named(u32, ACCESS)),
    listenerBuckets: make.array('listener_buckets', u64),
    clientSeats: make.array('client_seats', clientSet),
    backendLimits: make.array('backend_limits', u32),
    backendEnds: make.array('backend_ends', u64),
    backendTrouble: make.array('backend_trouble', trouble),
    protections: make.array('protections', protection),
    listenerLive: make.array('listener_live', u32),
    backendLive: make.array('backend_live', u32),
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
  return { ...makeCommonMaps(kernelMaps(from)), events: from.map('events') };
}

function makeCommonMaps(make: KernelMaker) {
  return {
    settings: make.array('settings', settings),
    sweep: make.array('sweep', sweep),
    sessionSlots: make.array('session_slots', sessionSlot),
    freeSlots: make.stack('free_slots', u32),
    numbers: make.array('numbers', numbers),
    sessions: make.table('sessions', flow4, sessionEntry),
    localPorts: make.table('local_ports', localPair, localPorts),
    verdicts: make.counters('verdicts', counter, addNumbers),
    notes: make.counters('notes', counter, addNumbers),
    backendTraffic: make.counters('backend_traffic', traffic, addCounters),
    portProbes: make.counters('port_probes', counter, addNumbers),
  };
}

function addOutcomes(a: Outcomes, b: Outcomes): Outcomes {
  const { answers, ...rest } = b;
  const { answers: before, ...others } = a;
  return {
    ...addCounters(others, rest),
    answers: before.map((count, i) => count + (answers[i] ?? 0)),
  };
}
