/** Every list and verb that a daemon answers, by role: a new one is a line here and a handler where its data is. */
import { tapReaders } from '../daemon/tap.ts';
import {
  endReader,
  limitReader,
  sessionReaders,
  wholeEndpointReader,
} from '../daemon/session-query.ts';
import { endpointReader } from '../daemon/sessions.ts';
import { poolReader } from './query.ts';
import { list, route } from './route.ts';
import {
  agentSessionRow,
  allDrained,
  backendsChanged,
  backendWish,
  backendRow,
  balancerSessionRow,
  clientRow,
  collisionCounterRow,
  collisionRow,
  drainWish,
  dropRow,
  explanation,
  eventRow,
  infoRow,
  listenerRow,
  localRow,
  noteRow,
  runtimeRow,
  serverRow,
  socketInfoRow,
} from './rows.ts';

const counted = {
  metrics: route({
    ...{ method: 'GET', path: '/metrics', role: 'read' },
    summary: 'What is counted, for Prometheus',
    query: {},
    body: { kind: 'none' },
    answer: { kind: 'text', mediaType: 'text/plain; version=0.0.4; charset=utf-8' },
  }),
  drops: list('drops', 'What was not delivered, by verdict', dropRow, {}),
  notes: list('notes', 'What happened to packets that went on, by note', noteRow, {}),
  events: list('events', 'What happened last, oldest first', eventRow, {}),
};
const tapped = {
  tap: route({
    ...{ method: 'GET', path: '/v1/tap', role: 'operate' },
    summary: 'Headers of SYN, FIN and RST at interfaces of the machine, as they pass: pcapng',
    query: tapReaders,
    body: { kind: 'none' },
    answer: { kind: 'file', mediaType: 'application/x-pcapng' },
  }),
};
const collided = {
  collisions: list(
    'collisions',
    'Connections that wanted one tuple, and what was done',
    collisionRow,
    {},
  ),
  collisionCounters: list(
    'collision-counters',
    'Collisions by client and server',
    collisionCounterRow,
    {},
  ),
};

export const BALANCER_ROUTES = {
  listeners: list('listeners', 'What clients connect to, and its traffic', listenerRow, {}),
  backends: list('backends', 'Real servers: state, weight and traffic', backendRow, {}),
  sessions: list('sessions', 'Connections that are translated', balancerSessionRow, {
    ...sessionReaders,
    client: endReader,
    listener: endReader,
    local: endReader,
    backend: endReader,
  }),
  explain: route({
    ...{ method: 'GET', path: '/v1/explain', role: 'read' },
    summary:
      'Where a connection goes and why; asks a copy of the loaded program, and changes nothing',
    query: { client: wholeEndpointReader, listener: wholeEndpointReader },
    body: { kind: 'none' },
    answer: { kind: 'value', schema: explanation },
  }),
  locals: list('locals', 'Local ports in use, by local address and backend', localRow, {}),
  ...counted,
  ...tapped,
  info: list('info', 'The daemon itself: one row', infoRow, {}),
  runtime: list('runtime', 'What was changed beside the file: weights and drains', runtimeRow, {}),
  changeBackend: route({
    ...{ method: 'PATCH', path: '/v1/backends/{backend}', role: 'operate' },
    summary: 'Change a backend, by name or address, beside the file; null takes the change back',
    query: { pool: poolReader },
    body: { kind: 'json', schema: backendWish },
    answer: { kind: 'value', schema: backendsChanged },
  }),
  drainAll: route({
    ...{ method: 'PUT', path: '/v1/drain', role: 'operate' },
    summary: 'Drain the whole balancer: no new connections at any listener',
    query: {},
    body: { kind: 'json', schema: drainWish },
    answer: { kind: 'value', schema: allDrained },
  }),
  undrainAll: route({
    ...{ method: 'DELETE', path: '/v1/drain', role: 'operate' },
    summary: 'Take new connections again; backends drained by themselves stay drained',
    query: {},
    body: { kind: 'none' },
    answer: { kind: 'value', schema: allDrained },
  }),
};

export const AGENT_ROUTES = {
  servers: list('servers', 'Servers whose clients are restored', serverRow, {}),
  /* `client` and `backend` are what a balancer calls `peer` and `server` */
  sessions: list('sessions', 'Connections that are followed', agentSessionRow, {
    ...sessionReaders,
    peer: endReader,
    client: endReader,
    local: endReader,
    server: endReader,
    backend: endReader,
    visible: endReader,
  }),
  ...collided,
  ...counted,
  ...tapped,
  info: list('info', 'The daemon itself: one row', infoRow, {}),
};

/** The agent in socket mode. */
export const SOCKET_AGENT_ROUTES = {
  clients: list('clients', 'Sockets whose client is known', clientRow, {
    limit: limitReader,
    client: endpointReader,
    local: endpointReader,
    server: endpointReader,
  }),
  ...collided,
  ...counted,
  ...tapped,
  info: list('info', 'The daemon itself: one row', socketInfoRow, {}),
};
