/** A balancer's maps in memory, and configurations for them, for tests. */
import { addressRange, portRange } from '../../packet/address-range.ts';
import { endpoint, ipv4Address, port, type Ipv4Address } from '../../packet/address.ts';
import type {
  Access,
  AccessPrefix4,
  Admission,
  Backend,
  Endpoint4,
  Listener,
  Local,
  LocalPair,
  LocalPorts,
  Pool,
  Protection,
  Settings,
} from '../../datapath/binding/contract.ts';
import type { BalancerConfig, PoolConfig } from '../config/balancer.ts';
import { TIMEOUTS } from '../config/common.ts';
import { MemoryList, MemoryTable, type Journal } from './memory-maps.ts';

const NO_SETTINGS: Settings = {
  secret: [0n, 0n],
  timeout: [0, 0, 0, 0, 0, 0, 0, 0],
  sessionCapacity: 0,
  openingMax: 0,
  localCount: 0,
  clientSets: 0,
};
const NO_RATE = { intervalNs: 0n, toleranceNs: 0n };
const NO_ADMISSION: Admission = {
  access: 0n,
  rate: NO_RATE,
  clientRate: NO_RATE,
  clientSessionsMax: 0,
  clientOpeningMax: 0,
  clientBits: 0,
  synThreshold: 0,
};
const NO_PROTECTION: Protection = {
  opening: 0,
  active: 0,
  lastCookie: 0,
  periodStart: 0,
  sent: 0,
  accepted: 0,
};
const NO_POOL: Pool = {
  table: 0n,
  select: 'round-robin',
  stickyBits: 0,
  stickySeconds: 0,
  localsFirst: 0,
  localsCount: 0,
  seed: 0,
};
const NO_BACKEND: Backend = { addr: ipv4Address(0), port: port(0), used: false, out: false };
const NO_LOCAL: Local = { addr: ipv4Address(0), portLow: port(0), portHigh: port(0) };

export type BalancerMemory = ReturnType<typeof balancerMemory>;

export function balancerMemory(lengths: { schedule?: number; small?: number } = {}) {
  const journal: Journal = [];
  const { schedule = 4_096, small = 16 } = lengths;
  const maps = {
    settings: new MemoryList<Settings>('settings', journal, 1, NO_SETTINGS),
    listeners: new MemoryTable<Endpoint4, Listener>('listeners', journal),
    pools: new MemoryList<Pool>('pools', journal, small, NO_POOL),
    schedule: new MemoryList<number>('schedule', journal, schedule, 0),
    backends: new MemoryList<Backend>('backends', journal, small, NO_BACKEND),
    locals: new MemoryList<Local>('locals', journal, small, NO_LOCAL),
    localsByAddr: new MemoryTable<Ipv4Address, number>('localsByAddr', journal),
    localPorts: new MemoryTable<LocalPair, LocalPorts>('localPorts', journal),
    admissions: new MemoryList<Admission>('admissions', journal, small, NO_ADMISSION),
    accessPrefixes: new MemoryTable<AccessPrefix4, Access>('accessPrefixes', journal),
    listenerBuckets: new MemoryList<bigint>('listenerBuckets', journal, small, 0n),
    protections: new MemoryList<Protection>('protections', journal, small, NO_PROTECTION),
    clientSeats: { length: small },
    backendEnds: new MemoryList<bigint>('backendEnds', journal, small, 0n),
    backendLimits: new MemoryList<number>('backendLimits', journal, small, 0),
    listenerTraffic: new MemoryList<number>('listenerTraffic', journal, small, 0),
    listenerOutcomes: new MemoryList<number>('listenerOutcomes', journal, small, 0),
    backendTraffic: new MemoryList<number>('backendTraffic', journal, small, 0),
    listenerLive: new MemoryList<number>('listenerLive', journal, small, 0),
    backendLive: new MemoryList<number>('backendLive', journal, small, 0),
  };
  return { maps, journal };
}

export type Sketch = {
  /** Addresses with all their ports. */
  locals?: readonly string[];
  /** Listener → pool. */
  listeners: Readonly<Record<string, string>>;
  /** Pool → backend → weight. */
  pools: Readonly<Record<string, Readonly<Record<string, number>>>>;
  health?: PoolConfig['health'];
  /** What else a pool has. */
  pool?: Partial<PoolConfig>;
};

export function configOf({
  locals = ['10.0.124.160-10.0.124.161'],
  ...sketch
}: Sketch): BalancerConfig {
  return {
    role: 'balancer',
    instance: 'test',
    engine: 'ebpf',
    interfaces: ['eth0'],
    profile: 'lb',
    timeouts: TIMEOUTS.lb,
    sessions: { capacity: 1_000, openingMax: 100 },
    locals: locals.map((text) => ({
      addresses: addressRange(text),
      ports: portRange('1024-65535'),
    })),
    accessLists: [],
    listeners: Object.entries(sketch.listeners).map(([address, pool]) => ({
      name: address,
      address: endpoint(address),
      pool,
      toa: 'syn',
      onUnknown: 'reset',
      onRefused: 'reset',
      maxSessions: 0,
      synProtection: 'off',
      synThreshold: 25,
    })),
    pools: Object.entries(sketch.pools).map(([name, backends]) => ({
      name,
      health: sketch.health ?? { kind: 'off' },
      scheduler: { kind: 'round-robin' },
      slowStartMs: 0,
      panicThreshold: 0,
      drain: { durationMs: 300_000, afterwards: 'reset' },
      onDown: 'keep',
      proxyProtocol: 'off',
      backends: Object.entries(backends).map(([address, weight]) => ({
        name: address,
        address: endpoint(address),
        weight,
        backup: false,
        maxSessions: 0,
      })),
      ...sketch.pool,
    })),
  };
}
