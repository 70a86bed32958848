/** Random tables of a balancer, and conversations through it. */
import fc from 'fast-check';
import { record } from '../../../packet/arbitraries.ts';
import { endpoint } from '../../../packet/index.ts';
import type {
  AdmissionRow,
  BalancerTables,
  ListenerRow,
  PoolRow,
  RateRow,
} from '../../model/index.ts';
import {
  BACKEND,
  CLIENT,
  fromBackend,
  fromClient,
  LOCAL,
  LOST_CLIENT,
  OTHER_BACKEND,
  OTHER_CLIENT,
  SILENT_BACKEND,
  WEB,
} from '../network.ts';
import {
  anyEnds,
  anyPause,
  anySegment,
  closeOf,
  handshakeOf,
  TIMEOUT_SECONDS,
  unansweredOf,
  wholeOf,
  type Act,
  type Conversation,
  type Ends,
  type Segment,
} from './conversation.ts';

type BalancerAct = Act<BalancerTables>;

interface Connection extends Ends {
  readonly index: number;
  readonly client: string;
  readonly listener: string;
}

const LISTENERS = [WEB, '10.0.23.111:80'];
const CLIENTS = [CLIENT, OTHER_CLIENT, '10.0.88.100:21522', LOST_CLIENT, '10.0.88.77:5'];
const LOCALS = ['10.0.124.161', '10.0.124.162', '10.0.124.163'];
/** Not a multiple of what time goes by in: see TIMEOUT_SECONDS. */
const RATE: RateRow = { everySeconds: 100.3, burst: 2 };
const ADMISSIONS: readonly AdmissionRow[] = [
  { access: { '0.0.0.0/0': 'allow', '10.0.88.100/32': 'deny' } },
  {
    access: {
      '0.0.0.0/0': 'deny',
      '10.0.88.0/24': 'allow',
      '10.0.88.100/31': 'deny',
      '10.0.88.101/32': 'allow',
    },
  },
  { rate: RATE },
  { client: { bits: 32, sessionsMax: 1 } },
  { client: { bits: 24, sessionsMax: 2, openingMax: 1 } },
  { rate: { ...RATE, burst: 3 }, client: { bits: 32, rate: { ...RATE, burst: 1 } } },
];
/** After it a tuple may be used again; after the longer one rather than others. */
const REST = { kind: 'elapse', seconds: 3 } as const;
const LONG_REST = { kind: 'elapse', seconds: 9 } as const;
/** What a sweep costs, real time, is worth it now and then. */
const SWEEP_ONE_IN = 120;

export function anyBalancerConversation(): fc.Arbitrary<Conversation<BalancerTables>> {
  return record({ tables: anyTables(), others: anyTables(), connections: anyConnections() }).chain(
    ({ tables, others, connections }) => {
      const { pools, listeners } = others;
      const moves = fc.constantFrom([], [], [0], [1, 2]).chain((ended) => {
        const reconfigured = { ...tables, pools, listeners, ended };
        return fc.array(anyMove(connections, reconfigured), { minLength: 1, maxLength: 14 });
      });
      return record({ tables: fc.constant(tables), acts: moves.map((all) => all.flat()) });
    },
  );
}

function anyTables(): fc.Arbitrary<BalancerTables> {
  const secret = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  return record({
    sessionCapacity: fc.constantFrom(1, 2, 3, 64, 64),
    openingMax: fc.constantFrom(1, 2, 64, 64),
    secret: fc.tuple(secret, secret),
    timeoutSeconds: fc.constant(TIMEOUT_SECONDS),
    listeners: fc.tuple(anyListener(0), anyListener(1)),
    pools: fc.tuple(anyPool(), anyPool()),
    backends: fc.constant([BACKEND, OTHER_BACKEND, SILENT_BACKEND]),
    backendLimits: fc.constantFrom([], [], [], [1, 0, 2], [2, 1, 1]),
    ended: fc.constant([]),
    locals: fc.tuple(...LOCALS.map(anyLocal)),
  });
}

function anyListener(index: number): fc.Arbitrary<ListenerRow> {
  const refusal = fc.constantFrom('reset' as const, 'drop' as const);
  return record({
    at: fc.constant(LISTENERS[index] ?? WEB),
    pool: fc.constantFrom(0, 0, 1),
    toa: fc.constantFrom('syn' as const, 'handshake' as const, 'off' as const),
    onUnknown: refusal,
    onRefused: refusal,
    sessionsMax: fc.constantFrom(0, 0, 0, 1, 2),
    admission: fc.constantFrom({}, {}, {}, {}, ...ADMISSIONS),
  });
}

function anyPool(): fc.Arbitrary<PoolRow> {
  return record({
    schedule: fc.oneof(
      {
        weight: 8,
        arbitrary: fc.array(fc.constantFrom(0, 0, 1, 2), { minLength: 1, maxLength: 4 }),
      },
      { weight: 1, arbitrary: fc.constantFrom([], [7]) },
    ),
    select: fc.constantFrom(
      ...(['round-robin', 'source-hash', 'connection-hash', 'least-connections'] as const),
    ),
    weights: fc.constantFrom([], [1, 1, 1], [3, 1, 2], [1, 65_535, 7]),
    seed: fc.nat(),
    sticky: fc.constantFrom(
      ...[undefined, undefined, { bits: 32, seconds: 100 }, { bits: 24, seconds: 1_000 }],
    ),
    locals: fc.constantFrom(
      { first: 0, count: 1 },
      { first: 0, count: 1 },
      { first: 0, count: 3 },
      { first: 1, count: 2 },
      { first: 0, count: 0 },
    ),
  });
}

function anyLocal(address: string) {
  return fc
    .constantFrom(1, 1, 2, 5, 17, 60)
    .map((count) => ({ address, ports: [5000, 4999 + count] as const }));
}

function anyConnections(): fc.Arbitrary<Connection[]> {
  const connection = record({
    client: fc.constantFrom(...CLIENTS),
    listener: fc.constantFrom(WEB, WEB, '10.0.23.111:80'),
    ends: anyEnds(),
  });
  return fc
    .array(connection, { minLength: 1, maxLength: 6 })
    .map((all) => all.map(({ ends, ...one }, index) => ({ ...one, ...ends, index })));
}

/** A few acts that belong together. */
function anyMove(
  connections: readonly Connection[],
  reconfigured: BalancerTables,
): fc.Arbitrary<readonly BalancerAct[]> {
  const connection = fc.constantFrom(...connections);
  const pause = anyPause<BalancerTables>().map((act) => [act]);
  const seldom = fc.constantFrom<BalancerAct>({ kind: 'reconfigure', tables: reconfigured });
  return fc.oneof(
    { weight: 20, arbitrary: connection.map((one) => handshakeOf(one).map(said(one))) },
    { weight: 10, arbitrary: connection.map((one) => closeOf(one).map(said(one))) },
    { weight: 15, arbitrary: connection.map((one) => [...wholeOf(one).map(said(one)), REST]) },
    { weight: 5, arbitrary: connection.map((one) => [...wholeOf(one).map(said(one)), LONG_REST]) },
    { weight: 8, arbitrary: connection.map((one) => [...unansweredOf(one).map(said(one)), REST]) },
    { weight: 40, arbitrary: connection.chain((one) => anySaid(one, 'front')) },
    { weight: 30, arbitrary: connection.chain((one) => anySaid(one, 'back')) },
    { weight: 25, arbitrary: pause },
    { weight: 4, arbitrary: seldom.map((act) => [act]) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 1, max: SWEEP_ONE_IN })
        .map((one) => (one === 1 ? [{ kind: 'sweep' } as const] : [])),
    },
  );
}

function anySaid(connection: Connection, side: 'front' | 'back'): fc.Arbitrary<BalancerAct[]> {
  return anySegment(side, connection).map((segment) => [said(connection)([side, segment])]);
}

/** The connection's end says this. */
function said(
  connection: Connection,
): (what: [side: 'front' | 'back', segment: Segment]) => BalancerAct {
  const { index, client, listener } = connection;
  return ([from, segment]) => ({
    kind: 'frame',
    from,
    connection: index,
    frame: (ways) => {
      if (from === 'front') return fromClient({ from: client, to: listener, ...segment });
      const way = ways.get(index) ?? { from: endpoint(LOCAL), to: endpoint(BACKEND) };
      return fromBackend({ from: way.to, to: way.from, ...segment });
    },
  });
}
