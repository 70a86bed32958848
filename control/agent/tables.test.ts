/** What the agent writes to its maps, in which order, and what stays over a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressRange, portRange } from '../../packet/address-range.ts';
import { endpoint, formatEndpoint, ipv4Address, port } from '../../packet/address.ts';
import type {
  Endpoint4,
  LocalPair,
  LocalPorts,
  Prefix4,
  Server,
  Settings,
} from '../../datapath/binding/contract.ts';
import type { PacketAgentConfig } from '../config/agent.ts';
import { TIMEOUTS } from '../config/common.ts';
import { MemoryList, MemoryTable, type Journal } from '../testdata/memory-maps.ts';
import { applyAgent } from './tables.ts';

const ONE = '10.0.98.79:8056';
const TWO = '10.0.98.80:8056';
const THREE = '10.0.98.81:8056';
const NO_SETTINGS: Settings = {
  secret: [0n, 0n],
  timeout: [],
  sessionCapacity: 0,
  openingMax: 0,
  localCount: 0,
  clientSets: 0,
};

function memory(servers = 8) {
  const journal: Journal = [];
  const maps = {
    settings: new MemoryList<Settings>('settings', journal, 1, NO_SETTINGS),
    servers: new MemoryTable<Endpoint4, Server>('servers', journal),
    trustedLocals: new MemoryTable<Prefix4, number>('trustedLocals', journal),
    localPorts: new MemoryTable<LocalPair, LocalPorts>('localPorts', journal),
    backendTraffic: new MemoryList<number>('backendTraffic', journal, servers, 0),
  };
  return { maps, journal };
}

function configOf(servers: readonly string[], trusted: readonly string[]): PacketAgentConfig {
  return {
    role: 'agent',
    mode: 'packet',
    instance: 'test',
    interfaces: [],
    profile: 'lb',
    timeouts: TIMEOUTS.lb,
    sessions: { capacity: 1_000, openingMax: 100 },
    trustedLocals: trusted.map((text) => addressRange(text)),
    servers: servers.map((text) => ({
      address: endpoint(text),
      onCollision: 'remap',
      remapPorts: portRange('10000-19999'),
    })),
  };
}

async function start(
  { maps, journal }: ReturnType<typeof memory>,
  servers: readonly string[],
  { trusted = ['10.0.124.160/28'], referred = [] as readonly number[] } = {},
) {
  journal.length = 0;
  const references = { listeners: new Set<number>(), backends: new Set(referred) };
  const parts = { maps, findReferences: async () => references, randomSecret: () => [3n, 4n] };
  await applyAgent(parts, configOf(servers, trusted));
  const entries = [...maps.servers.keys()].map((key) => {
    const text = formatEndpoint({ address: key.addr, port: key.port });
    return [text, maps.servers.get(key)?.backend] as const;
  });
  return Object.fromEntries(entries);
}

test('whom to trust is known before the first server is', async () => {
  const its = memory();
  await start(its, [ONE, TWO]);
  const maps = its.journal.map((line) => line.split(' ')[0]);
  assert.ok(maps.lastIndexOf('trustedLocals') < maps.indexOf('servers'));
  assert.equal(maps[0], 'settings');
  const [server] = [...its.maps.servers.keys()].map((key) => its.maps.servers.get(key));
  assert.deepEqual(server, {
    backend: 0,
    remapLow: 10_000,
    remapHigh: 19_999,
    onCollision: 'remap',
  });
});

test('a range becomes prefixes; those that are no longer trusted go last', async () => {
  const its = memory();
  await start(its, [ONE], { trusted: ['10.0.124.160/28'] });
  await start(its, [ONE, TWO], { trusted: ['10.0.124.161-10.0.124.163'] });
  const prefixes = [...its.maps.trustedLocals.keys()];
  assert.deepEqual(prefixes, [
    { bits: 32, addr: ipv4Address('10.0.124.161') },
    { bits: 31, addr: ipv4Address('10.0.124.162') },
  ]);
  assert.match(its.journal.at(-1) ?? '', /^trustedLocals -/);
});

test('a server keeps its index; a new one gets one that no session refers to', async () => {
  const its = memory();
  assert.deepEqual(await start(its, [ONE, TWO]), { [ONE]: 0, [TWO]: 1 });
  assert.deepEqual(await start(its, [TWO]), { [TWO]: 1 });
  assert.deepEqual(await start(its, [TWO, THREE], { referred: [0] }), { [TWO]: 1, [THREE]: 2 });
  assert.deepEqual(await start(its, [TWO, ONE]), { [TWO]: 1, [ONE]: 0 });
});

test('an index with a new meaning counts anew, and only that', async () => {
  const its = memory();
  await start(its, [ONE]);
  const ports: LocalPorts = {
    allocated: 1,
    probes: 1,
    failed: 0,
    reused: 0,
    cursor: 0,
    inUse: 0,
    resting: 0,
  };
  for (const backend of [0, 1]) its.maps.localPorts.set({ local: 0, backend }, ports);
  await start(its, [ONE, TWO]);
  assert.deepEqual([...its.maps.localPorts.keys()], [{ local: 0, backend: 0 }]);
  assert.deepEqual(
    its.journal.filter((line) => line.startsWith('backendTraffic')),
    ['backendTraffic 0 1'],
  );
});

test('no room is said so', async () => {
  await assert.rejects(start(memory(1), [ONE, TWO]), /room for 1 servers.*10\.0\.98\.80:8056/);
});

test('the secret of the maps stays', async () => {
  const its = memory();
  await start(its, [ONE]);
  assert.deepEqual(its.maps.settings.get(0).secret, [3n, 4n]);
  its.maps.settings.set(0, { ...its.maps.settings.get(0), secret: [0n, 8n] });
  await start(its, [ONE]);
  assert.deepEqual(its.maps.settings.get(0).secret, [0n, 8n]);
});

test('ports are in host order in the value, the key is an endpoint of TCP', async () => {
  const its = memory();
  await start(its, [ONE]);
  assert.deepEqual(
    [...its.maps.servers.keys()],
    [{ addr: ipv4Address('10.0.98.79'), port: port(8_056), protocol: 6 }],
  );
});
