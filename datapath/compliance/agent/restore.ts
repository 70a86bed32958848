/** The client's address comes back, and the server's answers go where the requests came from. */
import { nop, toa } from '../../../packet/index.ts';
import type { AgentTables } from '../../model/index.ts';
import {
  ACK,
  bytes,
  CLIENT_DATA,
  CLIENT_FIN,
  CLIENT_RST,
  SERVER_DATA,
  SERVER_FIN,
  SERVER_RST,
  SYN,
  SYN_ACK,
  SYN_OPTIONS,
} from '../balancer/conversation.ts';
import {
  BACKEND,
  CLIENT,
  fromBalancer,
  fromServer,
  LOCAL,
  restored,
  ROUTER_MAC,
  SERVER_MAC,
  toBalancer,
} from '../network.ts';
import { elapse, fromBack, fromFront, rewritten, type Row } from '../row.ts';
import { AGENT_TABLES } from '../tables.ts';
import {
  BLANKED,
  DIRECT,
  kept,
  RESTORED,
  RESTORED_CLOSED,
  restoredDown,
  restoredSyn,
  restoredUp,
  SYN_BLANKED,
  synFor,
} from './conversation.ts';

const MOVED_MAC = '02:00:00:00:98:77';
const hairpin = '10.0.98.79:40000';
const identity = { front: `${LOCAL}>${BACKEND}`, back: `${BACKEND}>${LOCAL}` } as const;

export const restoreRows: readonly Row<AgentTables>[] = [
  {
    name: 'a SYN from a trusted local reaches the server as its client’s, TOA as NOPs',
    steps: [restoredSyn()],
    after: {
      sessions: [
        {
          state: 'opening',
          kind: 'restored',
          front: `${LOCAL}>${BACKEND}`,
          back: `${BACKEND}>${CLIENT}`,
          flags: [],
        },
      ],
      events: [],
    },
  },
  {
    name: 'a retransmitted SYN reaches the server as the same client’s',
    steps: [restoredSyn(), restoredSyn()],
    after: { sessions: [{ state: 'opening', kind: 'restored' }] },
  },
  {
    name: 'the answer goes back to the local, by the link-layer address the SYN came from',
    steps: [restoredSyn(), restoredDown(SYN_ACK), restoredUp(ACK)],
    after: { sessions: [{ state: 'established' }] },
  },
  ...[1, 2, 1459].map((count): Row<AgentTables> => ({
    name: `${count} bytes go both ways`,
    steps: [
      ...RESTORED,
      restoredUp({ ...CLIENT_DATA, payload: bytes(count) }),
      restoredDown({ ...SERVER_DATA, payload: bytes(count) }),
    ],
  })),
  {
    name: 'a SYN with data is restored, data intact',
    steps: [
      fromFront(
        fromBalancer({ ...synFor(CLIENT), payload: bytes(777) }),
        rewritten('to-backend', restored({ ...SYN_BLANKED, payload: bytes(777) }), 'toa-stripped'),
      ),
    ],
  },
  ...[
    ['behind others', [...SYN_OPTIONS, toa(CLIENT)], [...SYN_OPTIONS, ...BLANKED]],
    ['at an odd place', [nop, toa(CLIENT)], [nop, ...BLANKED]],
    ['of kind 253', [toa(CLIENT, 253)], BLANKED],
    ['twice, the first counts', [toa(CLIENT), toa('1.2.3.4:5')], [...BLANKED, ...BLANKED]],
  ].map((row): Row<AgentTables> => {
    const [name, options, left] = row as [string, typeof SYN_OPTIONS, typeof SYN_OPTIONS];
    return {
      name: `a TOA ${name} is found`,
      steps: [
        fromFront(
          fromBalancer({ ...SYN, options }),
          rewritten('to-backend', restored({ ...SYN, options: left }), 'toa-stripped'),
        ),
      ],
    };
  }),
  {
    name: 'TOA on the ACK and on the first data is blanked too',
    steps: [
      restoredSyn(),
      restoredDown(SYN_ACK),
      ...[ACK, CLIENT_DATA].map((segment) =>
        fromFront<AgentTables>(
          fromBalancer({ ...segment, options: [toa(CLIENT)] }),
          rewritten('to-backend', restored({ ...segment, options: BLANKED }), 'toa-stripped'),
        ),
      ),
    ],
  },
  {
    name: 'a connection closes and rests',
    steps: [...RESTORED, restoredUp(CLIENT_FIN), restoredDown(SERVER_FIN)],
    after: { sessions: [{ state: 'time-wait', closedBy: ['front', 'back'] }] },
  },
  {
    name: 'a client’s RST resets',
    steps: [...RESTORED, restoredUp(CLIENT_RST)],
    after: { sessions: [{ state: 'reset' }] },
  },
  {
    name: 'a server’s RST resets',
    steps: [...RESTORED, restoredDown(SERVER_RST)],
    after: { sessions: [{ state: 'reset' }] },
  },
  {
    name: 'the same client’s SYN on a resting connection takes it up again',
    steps: [...RESTORED_CLOSED, restoredSyn(CLIENT, {}, 'reopened')],
    after: { sessions: [{ state: 'opening', kind: 'restored', flags: ['reopened'] }], events: [] },
  },
  {
    name: 'answers follow when another router carries the requests',
    steps: [
      ...RESTORED,
      fromFront(
        fromBalancer({ ...CLIENT_DATA, ethernet: { source: MOVED_MAC, destination: SERVER_MAC } }),
        rewritten(
          'to-backend',
          restored({ ...CLIENT_DATA, ethernet: { source: MOVED_MAC, destination: SERVER_MAC } }),
        ),
      ),
      fromBack(
        fromServer(SERVER_DATA),
        rewritten(
          'to-client',
          toBalancer({ ...SERVER_DATA, ethernet: { source: SERVER_MAC, destination: MOVED_MAC } }),
        ),
      ),
    ],
  },
  {
    name: 'a TTL of 1 is none of a bridge’s business',
    steps: [...RESTORED, restoredUp({ ...CLIENT_DATA, ttl: 1 })],
  },
  {
    name: 'a SYN from a trusted local without TOA is kept, and counted',
    steps: [fromFront(fromBalancer(SYN), { ...kept, notes: ['toa-missing'] })],
    after: { sessions: [{ kind: 'kept', ...identity }] },
  },
  {
    name: 'a server that calls its own listener keeps the local',
    steps: [
      fromFront(
        fromBalancer(synFor(hairpin)),
        rewritten('kept', fromBalancer(SYN_BLANKED), 'toa-stripped', 'hairpin'),
      ),
      fromBack(fromServer({ ...SYN_ACK, to: LOCAL }), rewritten('kept', toBalancer(SYN_ACK))),
    ],
    after: { sessions: [{ kind: 'kept', ...identity }] },
  },
  {
    name: 'a session outlives silence',
    steps: [
      ...RESTORED,
      elapse(600),
      restoredUp(CLIENT_DATA),
      elapse(2),
      restoredDown(SERVER_DATA),
    ],
  },
  {
    name: 'a server’s own answers name the router where nothing came through a balancer',
    steps: [
      ...DIRECT,
      fromBack(
        fromServer({ ...SERVER_DATA, ethernet: { source: SERVER_MAC, destination: ROUTER_MAC } }),
        kept,
      ),
    ],
    given: { trusted: AGENT_TABLES.trusted },
  },
];
