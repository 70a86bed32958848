/**
 * Brings the agent's maps to what the configuration asks: whom to trust is written
 * before the servers, so that no SYN of a balancer is taken for a stranger's.
 */
import { formatCidr, rangeCidrs } from '../../packet/address-range.ts';
import { formatEndpoint, type Endpoint } from '../../packet/address.ts';
import type {
  Endpoint4,
  LocalPair,
  LocalPorts,
  Prefix4,
  Server,
  Settings,
} from '../../datapath/binding/contract.ts';
import type { Counters, List, Table } from '../daemon/maps.ts';
import type { PacketAgentConfig } from '../config/agent.ts';
import { assign } from '../daemon/assign.ts';
import type { References } from '../daemon/references.ts';
import { keptSecret, settingsOf } from '../daemon/settings.ts';

export type AgentTableMaps = {
  readonly settings: List<Settings>;
  readonly servers: Table<Endpoint4, Server>;
  readonly trustedLocals: Table<Prefix4, number>;
  readonly localPorts: Table<LocalPair, LocalPorts>;
  readonly backendTraffic: Counters & { readonly length: number };
};

export type AgentTablesParts = {
  readonly maps: AgentTableMaps;
  /** Asked only when a server is new. */
  readonly findReferences: () => Promise<References>;
  readonly randomSecret: () => Settings['secret'];
};

const TCP = 6;
const TRUSTED = 1;

export async function applyAgent(
  parts: AgentTablesParts,
  config: PacketAgentConfig,
): Promise<void> {
  const { maps, randomSecret } = parts;
  const held = heldServers(maps);
  const indices = await chooseIndices(parts, config, held);
  const secret = keptSecret(maps.settings.get(0), randomSecret);
  maps.settings.set(0, settingsOf(config, secret, { localCount: 0, clientSets: 0 }));
  const trusted = trustedPrefixes(config);
  for (const prefix of trusted.values()) maps.trustedLocals.set(prefix, TRUSTED);
  for (const { address, onCollision, remapPorts } of config.servers) {
    const backend = indices.get(formatEndpoint(address)) ?? 0;
    if (!held.has(formatEndpoint(address))) forget(maps, backend);
    maps.servers.set(keyOf(address), {
      backend,
      remapLow: remapPorts.low,
      remapHigh: remapPorts.high,
      onCollision,
    });
  }
  for (const key of [...maps.servers.keys()])
    if (!indices.has(textOf(key))) maps.servers.delete(key);
  for (const prefix of [...maps.trustedLocals.keys()])
    if (!trusted.has(prefixText(prefix))) maps.trustedLocals.delete(prefix);
}

async function chooseIndices(
  { maps, findReferences }: AgentTablesParts,
  config: PacketAgentConfig,
  held: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const wanted = config.servers.map(({ address }) => formatEndpoint(address));
  const hasNew = wanted.some((key) => !held.has(key));
  const referred = hasNew ? (await findReferences()).backends : [];
  return assign('servers', wanted, held, {
    capacity: Math.min(maps.backendTraffic.length, 0xffff),
    taken: new Set([...held.values(), ...referred]),
  });
}

/** An index with a new meaning starts to count anew. */
function forget({ backendTraffic, localPorts }: AgentTableMaps, backend: number): void {
  backendTraffic.clear(backend);
  for (const pair of [...localPorts.keys()]) if (pair.backend === backend) localPorts.delete(pair);
}

function heldServers({ servers }: AgentTableMaps): Map<string, number> {
  const held = new Map<string, number>();
  for (const key of servers.keys()) {
    const server = servers.get(key);
    if (server !== undefined) held.set(textOf(key), server.backend);
  }
  return held;
}

function trustedPrefixes({ trustedLocals }: PacketAgentConfig): Map<string, Prefix4> {
  const prefixes = trustedLocals
    .flatMap((range) => rangeCidrs(range))
    .map(({ network, prefixBits }) => ({ bits: prefixBits, addr: network }));
  return new Map(prefixes.map((prefix) => [prefixText(prefix), prefix]));
}

function prefixText({ bits, addr }: Prefix4): string {
  return formatCidr({ network: addr, prefixBits: bits });
}

function keyOf({ address, port }: Endpoint): Endpoint4 {
  return { addr: address, port, protocol: TCP };
}

function textOf({ addr, port }: Endpoint4): string {
  return formatEndpoint({ address: addr, port });
}
