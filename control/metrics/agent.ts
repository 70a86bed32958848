/** The agent's metrics, in both modes. */
import type { AgentMaps, SocketMaps } from '../../datapath/binding/object-maps.ts';
import { SOCKET_NOTE, type SocketNote } from '../../datapath/binding/verdicts.ts';
import type { InfoRow, ServerRow, SocketInfoRow } from '../api/rows.ts';
import { byLabel, familiesOf, type Column } from './collect.ts';
import {
  collisionFamily,
  packetFamilies,
  processFamilies,
  programFamilies,
  sessionFamilies,
} from './common.ts';
import type { Family } from './text.ts';

const SERVER: readonly Column<ServerRow>[] = [
  { name: 'fullnat_server_connections_total', value: (row) => row.connections },
  {
    name: 'fullnat_server_packets_total',
    value: (row) => row.packetsIn,
    labels: { direction: 'in' },
  },
  {
    name: 'fullnat_server_packets_total',
    value: (row) => row.packetsOut,
    labels: { direction: 'out' },
  },
  { name: 'fullnat_server_bytes_total', value: (row) => row.bytesIn, labels: { direction: 'in' } },
  {
    name: 'fullnat_server_bytes_total',
    value: (row) => row.bytesOut,
    labels: { direction: 'out' },
  },
  { name: 'fullnat_server_remap_ports_in_use', value: (row) => row.remapInUse },
  { name: 'fullnat_server_remap_ports_resting', value: (row) => row.remapResting },
  { name: 'fullnat_server_remap_failures_total', value: (row) => row.remapFailed },
];

/** Which counters of socket mode say that a client is known, and from which segment. */
const KNOWN_FROM = {
  'client-from-syn': 'syn',
  'client-from-handshake': 'handshake',
  'client-from-later': 'later',
} as const satisfies Partial<Record<SocketNote, string>>;

export function agentFamilies(
  maps: Pick<AgentMaps, 'verdicts' | 'notes'>,
  servers: readonly ServerRow[],
  info: InfoRow,
): Family[] {
  return [
    ...processFamilies(info),
    ...familiesOf(servers, ({ address }) => ({ server: address }), SERVER),
    collisionFamily(maps.notes),
    ...sessionFamilies(info, maps.notes),
    ...packetFamilies('agent', maps),
    ...programFamilies(info),
  ];
}

export function socketFamilies(
  { socketNotes }: Pick<SocketMaps, 'socketNotes'>,
  info: SocketInfoRow,
): Family[] {
  const counted = Object.entries(SOCKET_NOTE).map(([name, note]) => ({
    name: name as SocketNote,
    count: socketNotes.sum(note),
  }));
  const wordOf = (name: SocketNote) =>
    (KNOWN_FROM as Readonly<Partial<Record<SocketNote, string>>>)[name];
  const known = counted.flatMap(({ name, count }) => {
    const word = wordOf(name);
    return word === undefined ? [] : [[word, count] as const];
  });
  const unknown = counted.flatMap(({ name, count }) =>
    wordOf(name) === undefined ? [[name, count] as const] : [],
  );
  return [
    ...processFamilies(info),
    byLabel('fullnat_socket_clients_total', {}, 'source', Object.fromEntries(known)),
    byLabel('fullnat_socket_unknown_clients_total', {}, 'reason', Object.fromEntries(unknown)),
    ...programFamilies(info),
  ];
}
