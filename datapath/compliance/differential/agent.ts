/** Random tables of an agent, and conversations past it. */
import fc from 'fast-check';
import { record } from '../../../packet/arbitraries.ts';
import {
  encodeTcpOptions,
  endpoint,
  TCP_OPTIONS_MAX_BYTES,
  toa,
  TOA4_BYTES,
  type TcpOption,
} from '../../../packet/index.ts';
import type { AgentTables, ServerRow } from '../../model/index.ts';
import {
  BACKEND,
  CLIENT,
  direct,
  fromBalancer,
  fromServer,
  LOCAL,
  OTHER_BACKEND,
  OTHER_CLIENT,
} from '../network.ts';
import {
  anyEnds,
  anyPause,
  anySegment,
  closeOf,
  handshakeOf,
  TIMEOUT_SECONDS,
  wholeOf,
  type Act,
  type Conversation,
  type Ends,
  type Segment,
} from './conversation.ts';

type AgentAct = Act<AgentTables>;

interface Connection extends Ends {
  readonly index: number;
  /** A client, or a local. */
  readonly peer: string;
  readonly server: string;
  /** Whom the TOA of its SYNs names. */
  readonly client: string | undefined;
}

/** The remapped port of one client is the own port of another: they meet. */
const REMAPPED_CLIENT = '10.0.88.100:10000';
const CLIENTS = [CLIENT, CLIENT, OTHER_CLIENT, REMAPPED_CLIENT, '10.0.98.79:4000'];
const LOCALS = [LOCAL, '10.0.124.161:5005', '10.0.124.200:5004'];
/** After it a tuple may be used again. */
const REST = { kind: 'elapse', seconds: 3 } as const;
const SWEEP_ONE_IN = 120;

export function anyAgentConversation(): fc.Arbitrary<Conversation<AgentTables>> {
  return record({ tables: anyTables(), others: anyTables(), connections: anyConnections() }).chain(
    ({ tables, others, connections }) => {
      const moves = fc.array(anyMove(connections, others), { minLength: 1, maxLength: 14 });
      return record({ tables: fc.constant(tables), acts: moves.map((all) => all.flat()) });
    },
  );
}

function anyTables(): fc.Arbitrary<AgentTables> {
  const secret = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  return record({
    sessionCapacity: fc.constantFrom(1, 2, 3, 64, 64),
    openingMax: fc.constantFrom(1, 2, 64, 64),
    secret: fc.tuple(secret, secret),
    timeoutSeconds: fc.constant(TIMEOUT_SECONDS),
    servers: fc.tuple(anyServer(BACKEND), anyServer(OTHER_BACKEND)),
    trusted: fc.constantFrom(['10.0.124.160/28'], ['10.0.124.161', '10.0.124.160/29'], []),
    takenOver: fc.constantFrom(false, false, false, false, true),
  });
}

function anyServer(at: string): fc.Arbitrary<ServerRow> {
  return record({
    at: fc.constant(at),
    onCollision: fc.constantFrom(
      'remap' as const,
      'remap' as const,
      'local' as const,
      'drop' as const,
    ),
    remap: fc.constantFrom(
      [10_000, 10_000] as const,
      [10_000, 10_001] as const,
      [10_000, 10_039] as const,
    ),
  });
}

function anyConnections(): fc.Arbitrary<Connection[]> {
  const client = fc.constantFrom(...CLIENTS);
  const who = fc.oneof(
    { weight: 3, arbitrary: record({ peer: fc.constantFrom(...LOCALS), client }) },
    {
      weight: 1,
      arbitrary: record({ peer: fc.constantFrom(...LOCALS), client: fc.constant(undefined) }),
    },
    { weight: 2, arbitrary: record({ peer: client, client: fc.constant(undefined) }) },
  );
  const connection = record({
    who,
    server: fc.constantFrom(BACKEND, BACKEND, OTHER_BACKEND),
    ends: anyEnds(),
  });
  return fc
    .array(connection, { minLength: 1, maxLength: 5 })
    .map((all) => all.map(({ who, server, ends }, index) => ({ ...who, ...ends, server, index })));
}

/** A few acts that belong together. */
function anyMove(
  connections: readonly Connection[],
  reconfigured: AgentTables,
): fc.Arbitrary<readonly AgentAct[]> {
  const connection = fc.constantFrom(...connections);
  const pause = anyPause<AgentTables>().map((act) => [act]);
  const seldom = fc.constantFrom<AgentAct>({ kind: 'reconfigure', tables: reconfigured });
  return fc.oneof(
    { weight: 25, arbitrary: connection.map((one) => handshakeOf(one).map(said(one))) },
    { weight: 10, arbitrary: connection.map((one) => closeOf(one).map(said(one))) },
    { weight: 10, arbitrary: connection.map((one) => [...wholeOf(one).map(said(one)), REST]) },
    { weight: 35, arbitrary: connection.chain((one) => anySaid(one, 'front')) },
    { weight: 30, arbitrary: connection.chain((one) => anySaid(one, 'back')) },
    { weight: 25, arbitrary: pause },
    { weight: 3, arbitrary: seldom.map((act) => [act]) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 1, max: SWEEP_ONE_IN })
        .map((one) => (one === 1 ? [{ kind: 'sweep' } as const] : [])),
    },
  );
}

function anySaid(connection: Connection, side: 'front' | 'back'): fc.Arbitrary<AgentAct[]> {
  return anySegment(side, connection).map((segment) => [said(connection)([side, segment])]);
}

/** The connection's end says this; a SYN of a balanced one has TOA, the balancer's first. */
function said(
  connection: Connection,
): (what: [side: 'front' | 'back', segment: Segment]) => AgentAct {
  const { index, peer, server, client } = connection;
  const sends = peer.startsWith('10.0.124.') ? fromBalancer : direct;
  return ([from, segment]) => ({
    kind: 'frame',
    from,
    connection: index,
    frame: (ways) => {
      if (from === 'front') {
        const options = withToa(segment, client);
        return sends({ from: peer, to: server, ...segment, options });
      }
      const way = ways.get(index) ?? { from: endpoint(client ?? peer), to: endpoint(server) };
      return fromServer({ from: way.to, to: way.from, ...segment });
    },
  });
}

function withToa(
  { flags, options = [] }: Segment,
  client: string | undefined,
): readonly TcpOption[] {
  const isRoom = encodeTcpOptions(options).length + TOA4_BYTES <= TCP_OPTIONS_MAX_BYTES;
  return flags.includes('S') && client !== undefined && isRoom
    ? [toa(client), ...options]
    : options;
}
