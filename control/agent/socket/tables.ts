/** Brings the maps of socket mode to what the configuration asks. */
import { formatCidr, rangeCidrs } from '../../../packet/address-range.ts';
import { formatEndpoint } from '../../../packet/address.ts';
import type { Endpoint4, Prefix4, SocketSettings } from '../../../datapath/binding/contract.ts';
import type { SocketAgentConfig } from '../../config/socket-agent.ts';
import type { List, Table } from '../../daemon/maps.ts';

export type SocketTableMaps = {
  readonly socketSettings: List<SocketSettings>;
  readonly socketTrusted: Table<Prefix4, number>;
  readonly socketServers: Table<Endpoint4, number>;
};

const TCP = 6;
const PRESENT = 1;

/** In an order that no connection is taken for a stranger's meanwhile. */
export function applySocketAgent(maps: SocketTableMaps, config: SocketAgentConfig): void {
  const servers = config.servers.map(({ address: { address, port } }): Endpoint4 => {
    return { addr: address, port, protocol: TCP };
  });
  const trusted = config.trustedLocals
    .flatMap((range) => rangeCidrs(range))
    .map(({ network, prefixBits }): Prefix4 => ({ bits: prefixBits, addr: network }));
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

function textOf({ addr, port }: Endpoint4): string {
  return formatEndpoint({ address: addr, port });
}

function prefixText({ bits, addr }: Prefix4): string {
  return formatCidr({ network: addr, prefixBits: bits });
}
