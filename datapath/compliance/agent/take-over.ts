/** Socket mode of the same instance has taken over: what is known goes on, what is new from a local is not ours. */
import type { AgentTables } from '../../model/index.ts';
import { ACK, CLIENT_DATA, SERVER_DATA, SYN, SYN_ACK } from '../balancer/conversation.ts';
import { CLIENT, direct, fromBalancer, fromServer, LOCAL } from '../network.ts';
import { fromBack, fromFront, passed, reconfigure, rewritten, type Row } from '../row.ts';
import { SERVER } from '../tables.ts';
import {
  DIRECT,
  directUp,
  RESTORED,
  restoredDown,
  restoredSyn,
  restoredUp,
  synFor,
} from './conversation.ts';

const takenOver = reconfigure<AgentTables>({ takenOver: true });
const passedUp = (segment: Parameters<typeof fromBalancer>[0]) =>
  fromFront<AgentTables>(fromBalancer(segment), passed);
const passedDown = (segment: Parameters<typeof fromServer>[0]) =>
  fromBack<AgentTables>(fromServer({ ...segment, to: LOCAL }), passed);
const COLLIDING_PORT = 10_000;

export const takeOverRows: readonly Row<AgentTables>[] = [
  {
    name: 'a balanced connection that is new passes with its TOA, all of it',
    given: { takenOver: true },
    steps: [
      passedUp(synFor(CLIENT)),
      passedDown(SYN_ACK),
      passedUp(ACK),
      passedUp(CLIENT_DATA),
      passedDown(SERVER_DATA),
    ],
    after: { sessions: [] },
  },
  {
    name: 'a restored connection goes on being translated',
    steps: [...RESTORED, takenOver, restoredUp(CLIENT_DATA), restoredDown(SERVER_DATA)],
    after: { sessions: [{ state: 'established', kind: 'restored' }] },
  },
  {
    name: 'the SYN of one that is opening, sent again, is still restored',
    steps: [restoredSyn(), takenOver, restoredSyn(), restoredDown(SYN_ACK)],
    after: { sessions: [{ kind: 'restored' }] },
  },
  {
    name: 'direct connections are kept in the table as before',
    given: { takenOver: true },
    steps: [...DIRECT, directUp(CLIENT_DATA)],
    after: { sessions: [{ state: 'established', kind: 'direct' }] },
  },
  {
    name: 'a direct connection still keeps clear of a restored one',
    given: { servers: [{ ...SERVER, remap: [COLLIDING_PORT, COLLIDING_PORT] }] },
    steps: [
      ...RESTORED,
      takenOver,
      fromFront(
        direct(SYN),
        rewritten(
          'to-backend',
          direct({ ...SYN, from: `10.0.88.100:${COLLIDING_PORT}` }),
          'collision-remapped',
        ),
      ),
    ],
  },
  {
    name: 'back in packet mode, the next connection is restored again',
    given: { takenOver: true },
    steps: [
      passedUp(synFor(CLIENT)),
      reconfigure<AgentTables>({ takenOver: false }),
      restoredSyn(),
      restoredDown(SYN_ACK),
    ],
    after: { sessions: [{ kind: 'restored' }] },
  },
];
