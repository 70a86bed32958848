/** What the agent answers under /v1 in socket mode. */
import { formatIpEndpoint } from '../../../packet/ip.ts';
import { clientRecord, type ClientRecord } from '../../../datapath/binding/contract.ts';
import { runIterator } from '../../../datapath/binding/iterator.ts';
import type { SocketMaps } from '../../../datapath/binding/object-maps.ts';
import type { LoadedObject } from '../../../datapath/binding/object.ts';
import { secondsSince, ticksNow } from '../../../datapath/binding/sessions.ts';
import {
  SOCKET_NOTE,
  SOCKET_NOTE_MEANING,
  type SocketNote,
} from '../../../datapath/binding/verdicts.ts';
import type { Handlers } from '../../api/route.ts';
import type { SOCKET_AGENT_ROUTES } from '../../api/routes.ts';
import { tap } from '../../daemon/tap.ts';
import type { ClientRow, NoteRow, SocketInfoRow, SocketState } from '../../api/rows.ts';
import { LIMIT_DEFAULT } from '../../daemon/session-query.ts';
import { socketFamilies } from '../../metrics/agent.ts';
import { metricsText } from '../../metrics/text.ts';
import { matches } from '../../daemon/sessions.ts';

export type SocketView = {
  readonly object: Pick<LoadedObject, 'program'>;
  readonly maps: Pick<SocketMaps, 'clients' | 'socketNotes'>;
  readonly info: () => SocketInfoRow;
};

/** By the kernel's numbers (include/net/tcp_states.h). */
const STATES: readonly SocketState[] = [
  ...(['unknown', 'established', 'syn-sent', 'syn-received', 'fin-wait-1'] as const),
  ...(['fin-wait-2', 'time-wait', 'closed', 'close-wait', 'last-ack'] as const),
  ...(['listen', 'closing'] as const),
];

export function socketHandlers({
  object,
  maps,
  info,
}: SocketView): Handlers<typeof SOCKET_AGENT_ROUTES> {
  const nothing = () => ({ rows: [] });
  return {
    clients: ({ query: { limit = LIMIT_DEFAULT, ...wanted } }) => {
      const bytes = runIterator(object.program('list_clients'), { map: maps.clients });
      const rows = clientRows(bytes, ticksNow()).filter((row) =>
        (['client', 'local', 'server'] as const).every((end) => matches(wanted[end], row[end])),
      );
      return { rows: rows.slice(0, limit), total: rows.length };
    },
    /* Nothing is rewritten, so nothing can be dropped, or collide. */
    drops: nothing,
    collisions: nothing,
    collisionCounters: nothing,
    events: nothing,
    notes: () => ({ rows: noteRows(maps) }),
    info: () => ({ rows: [info()] }),
    // Nothing is attached to interfaces in this mode: who asks names them.
    tap: ({ query }) => tap(query, []),
    metrics: async () => ({ text: await metricsText(socketFamilies(maps, info())) }),
  };
}

/** Of what the iterator wrote. */
export function clientRows(bytes: Buffer, now: number): ClientRow[] {
  return Array.from({ length: Math.floor(bytes.length / clientRecord.bytes) }, (_, i) =>
    clientRow(clientRecord.read(bytes, i * clientRecord.bytes), now),
  );
}

function clientRow(record: ClientRecord, now: number): ClientRow {
  const { client, localAddr, localPort, serverAddr, serverPort, network, state } = record;
  return {
    client: formatIpEndpoint({ address: client.addr, port: client.port }),
    local: formatIpEndpoint({ address: localAddr, port: localPort }),
    server: formatIpEndpoint({ address: serverAddr, port: serverPort }),
    state: STATES[state] ?? 'unknown',
    ageSeconds: Math.round(secondsSince(client.since, now) * 1_000) / 1_000,
    source: client.source,
    namespace: network,
  };
}

function noteRows({ socketNotes }: Pick<SocketMaps, 'socketNotes'>): NoteRow[] {
  return (Object.entries(SOCKET_NOTE) as [SocketNote, number][])
    .map(([name, note]) => ({
      note,
      name,
      count: socketNotes.sum(note),
      meaning: SOCKET_NOTE_MEANING[name],
    }))
    .filter(({ count }) => count > 0);
}
