/** Where a connection goes, and why: the session that it has, or what the program would do with its SYN. */
import { formatEndpoint } from '../../packet/address.ts';
import { PROTOCOL_TCP } from '../../packet/ipv4.ts';
import type { Pool } from '../../datapath/binding/contract.ts';
import { stateOf } from '../../datapath/binding/sessions.ts';
import { VERDICT_MEANING } from '../../datapath/binding/verdicts.ts';
import type { Explanation } from '../api/rows.ts';
import type { View } from '../balancer/rows.ts';
import { listenerRows } from '../balancer/rows.ts';
import type { PortOrigin, Question, Rehearsal } from './rehearsal.ts';

export type Asked = Pick<Question, 'client' | 'listener'>;
export type Rehearse = (question: Question) => Promise<Rehearsal>;

const CHOSEN_BY: Readonly<Record<Pool['select'], string>> = {
  'round-robin': 'the next in turn, on the CPU that was asked',
  'source-hash': "the client's address has this place in the table",
  'connection-hash': "the client's address and port have this place in the table",
  'least-connections': 'it has the fewest connections for its weight',
};

export async function explain(view: View, rehearse: Rehearse, asked: Asked): Promise<Explanation> {
  const { client, listener } = asked;
  const common = { client: formatEndpoint(client), listener: formatEndpoint(listener) };
  const row = listenerRows(view).find(({ address }) => address === common.listener);
  if (row === undefined) {
    const why = [`there is no listener ${common.listener}: its packets are left alone`];
    return { ...common, kind: 'no-listener', verdict: 'pass', ...NOTHING, why };
  }
  const heading = `listener ${row.name}: pool ${row.pool}, ${row.backendsUp} of ${row.backendsTotal} backends take new connections`;
  const live = liveSession(view, asked);
  if (live !== undefined) return { ...common, ...live, why: [heading, ...live.why] };
  const { interfaces } = view.config;
  const { verdict, made, taken } = await rehearse({ ...asked, interfaces });
  if (made === undefined)
    return {
      ...common,
      kind: 'refused',
      verdict,
      ...NOTHING,
      why: [heading, VERDICT_MEANING[verdict]],
    };
  const local = formatEndpoint(made.local);
  const backend = formatEndpoint(made.backend);
  return {
    ...common,
    ...{ kind: 'hypothetical', verdict, state: null, local, backend },
    serverSees: made.hasToa ? common.client : local,
    why: [
      heading,
      backendWhy(view, asked, row.pool, backend),
      localWhy(taken, made.port),
      toaWhy(made.hasToa),
      ...fullTable(view),
      ...(verdict === 'to-backend'
        ? []
        : [`but the SYN goes no further: ${VERDICT_MEANING[verdict]}`]),
    ],
  };
}

const NOTHING = { state: null, local: null, backend: null, serverSees: null } as const;

type Live = Omit<Explanation, 'client' | 'listener'>;

/** Resting sessions are none: the program is asked what it does with a SYN to them. */
function liveSession({ maps }: View, { client, listener }: Asked): Live | undefined {
  const entry = maps.sessions.get({
    ...{ sourceAddr: client.address, sourcePort: client.port },
    ...{ destinationAddr: listener.address, destinationPort: listener.port },
    protocol: PROTOCOL_TCP,
  });
  if (entry === undefined) return undefined;
  const state = stateOf(maps.sessionSlots.get(entry.slot));
  if (state !== 'opening' && state !== 'established' && state !== 'closing') return undefined;
  const local = formatEndpoint({ address: entry.sourceAddr, port: entry.sourcePort });
  const backend = formatEndpoint({
    address: entry.destinationAddr,
    port: entry.destinationPort,
  });
  return {
    ...{ kind: 'live', verdict: 'to-backend', state, local, backend },
    serverSees: formatEndpoint(client),
    why: [
      `it has a session, ${state}: packets of a session stay with its backend and its local`,
      'the server sees the client where an agent restores it',
    ],
  };
}

function backendWhy(
  { config, maps, indices }: View,
  { client }: Asked,
  name: string,
  backend: string,
): string {
  const pool = maps.pools.get(indices.pools.get(name) ?? 0);
  const persistent = config.pools.find((one) => one.name === name)?.persistence;
  const returns =
    persistent === undefined
      ? ''
      : `, unless ${formatEndpoint(client)}'s network has been here before`;
  return `backend ${backend}: ${CHOSEN_BY[pool.select]}${returns}`;
}

function localWhy(taken: number, origin: PortOrigin): string {
  const before = taken === 0 ? '' : `, after ${taken} that are in use`;
  switch (origin) {
    case 'reopened':
      return 'local: that of its session, which rests: the SYN takes it up again';
    case 'free':
      return `local: the first free port in the secret order${before}; the next connection gets another`;
    case 'drawn':
      return 'local: the first session towards this backend begins anywhere in the secret order, so this port is one of many';
    case 'reused':
      return 'local: no port was free; the tuple that has rested longest is used again, its numbers moved';
  }
}

/** What the copy cannot show: its own table is never full. */
function fullTable({ maps }: View): string[] {
  const { live, resting } = maps.sweep.get(0).stats;
  return live + resting < maps.sessionSlots.length
    ? []
    : ['the session table is full: a half-open or resting session has to give way first'];
}

function toaWhy(hasToa: boolean): string {
  return hasToa
    ? 'the SYN carries the client in TOA: the server sees it where an agent restores it, or another port of it in a collision'
    : 'no TOA: the server sees the local';
}
