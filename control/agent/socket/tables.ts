/** Brings the maps of socket mode to what the configuration asks. */
import { formatIpAddress, formatIpEndpoint, ipBlocks } from '../../../packet/ip.ts';
import type { Endpoint6, Prefix6, SocketSettings } from '../../../datapath/binding/contract.ts';
import type { SocketAgentConfig } from '../../config/socket-agent.ts';
import type { List, Table } from '../../daemon/maps.ts';

export type SocketTableMaps = {
  readonly socketSettings: List<SocketSettings>;
  readonly socketTrusted: Table<Prefix6, number>;
  readonly socketServers: Table<Endpoint6, number>;
};

const TCP = 6;
const PRESENT = 1;

/** In an order that no connection is taken for a stranger's meanwhile. */
export function applySocketAgent(maps: SocketTableMaps, config: SocketAgentConfig): void {
  const servers = config.servers.map(({ address: { address, port } }): Endpoint6 => {
    return { addr: address, port, protocol: TCP };
  });
  const trusted = config.trustedLocals
    .flatMap((range) => ipBlocks(range))
    .map(({ network, prefixBits }): Prefix6 => ({ bits: prefixBits, addr: network }));
  const serversOnly = servers.length > 0 ? 1 : 0;
  const widen = () => maps.socketSettings.set(0, { ...maps.socketSettings.get(0), serversOnly });
  if (serversOnly === 0) widen();
  add(maps.socketTrusted, trusted);
  add(maps.socketServers, servers);
  if (serversOnly === 1) widen();
  removeOthers(maps.socketServers, servers, textOf);
  removeOthers(maps.socketTrusted, trusted, prefixText);
}

function add<K>(table: Table<K, number>, wanted: readonly K[]): void {
  for (const key of wanted) table.set(key, PRESENT);
}

function removeOthers<K>(
  table: Table<K, number>,
  wanted: readonly K[],
  text: (key: K) => string,
): void {
  const kept = new Set(wanted.map(text));
  for (const key of [...table.keys()]) if (!kept.has(text(key))) table.delete(key);
}

function textOf({ addr, port }: Endpoint6): string {
  return formatIpEndpoint({ address: addr, port });
}

function prefixText({ bits, addr }: Prefix6): string {
  return `${formatIpAddress(addr)}/${bits}`;
}
