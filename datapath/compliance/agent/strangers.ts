/** What comes from addresses that are not trusted, belongs to nobody, or was there before the agent. */
import { nop, timestamps, unknownOption } from '../../../packet/index.ts';
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
} from '../balancer/conversation.ts';
import {
  BACKEND,
  CLIENT,
  direct,
  fromBalancer,
  fromServer,
  LOCAL,
  OTHER_CLIENT,
} from '../network.ts';
import { fromBack, fromFront, passed, rewritten, type Row } from '../row.ts';

import {
  DIRECT,
  kept,
  RESTORED,
  restoredDown,
  restoredUp,
  SYN_BLANKED,
  synFor,
} from './conversation.ts';

const stranger = '10.0.99.9:5004';

export const strangerRows: readonly Row<AgentTables>[] = [
  {
    name: 'TOA from an address that is not trusted is blanked and not believed',
    steps: [
      fromFront(
        direct({ ...synFor(OTHER_CLIENT), from: stranger }),
        rewritten('kept', direct({ ...SYN_BLANKED, from: stranger }), 'toa-untrusted'),
      ),
    ],
    after: { sessions: [{ kind: 'direct', back: `${BACKEND}>${stranger}` }] },
  },
  {
    name: 'the same for IPv6’s size',
    steps: [
      fromFront(
        direct({ ...SYN, from: stranger, options: [unknownOption(254, bytes(18))] }),
        rewritten(
          'kept',
          direct({ ...SYN, from: stranger, options: Array.from({ length: 20 }, () => nop) }),
          'toa-untrusted',
        ),
      ),
    ],
  },
  {
    name: 'the address next to the trusted ones is not trusted',
    steps: [
      fromFront(
        direct({ ...synFor(OTHER_CLIENT), from: '10.0.124.176:5004' }),
        rewritten('kept', direct({ ...SYN_BLANKED, from: '10.0.124.176:5004' }), 'toa-untrusted'),
      ),
    ],
  },
  {
    name: 'a direct connection is known and untouched',
    steps: [...DIRECT, fromFront(direct({ ...CLIENT_DATA, options: [timestamps(1, 2)] }), kept)],
    after: { sessions: [{ state: 'established', kind: 'direct', front: `${CLIENT}>${BACKEND}` }] },
  },
  {
    name: 'a direct SYN on a resting direct connection takes it up again',
    steps: [
      ...DIRECT,
      fromFront(direct(CLIENT_FIN), kept),
      fromBack(fromServer(SERVER_FIN), kept),
      fromFront(direct(SYN), { ...kept, notes: ['reopened'] }),
    ],
    after: { sessions: [{ kind: 'direct', flags: ['reopened'] }] },
  },
  ...(['SYN', 'A', 'R'] as const).map((flags): Row<AgentTables> => ({
    name: `a server that is not ours: ${flags} passes both ways`,
    steps: [
      fromFront(
        fromBalancer({
          ...synFor(CLIENT),
          flags: flags === 'SYN' ? 'S' : flags,
          to: '10.0.98.79:8057',
        }),
        passed,
      ),
      fromBack(
        fromServer({ flags: flags === 'SYN' ? 'SA' : flags, from: '10.0.98.79:8057' }),
        passed,
      ),
    ],
    after: { sessions: [] },
  })),
  {
    name: 'connections that the server itself opens pass',
    steps: [
      fromBack(fromServer(SYN), passed),
      fromFront(direct({ ...SYN_ACK, to: BACKEND }), passed),
    ],
    after: { sessions: [] },
  },
  {
    name: 'a RST for a connection that nobody knows passes',
    steps: [fromFront(direct(CLIENT_RST), passed), fromBack(fromServer(SERVER_RST), passed)],
    after: { sessions: [] },
  },
  {
    name: 'a connection found in mid-stream is taken in as direct when the server speaks, not before',
    steps: [
      fromFront(direct(CLIENT_DATA), passed),
      fromBack(fromServer(SERVER_DATA), { ...kept, notes: ['adopted'] }),
    ],
    after: { sessions: [{ state: 'established', kind: 'direct', flags: ['adopted'] }] },
  },
  {
    name: 'a SYN without TOA on a live restored session does not end it',
    steps: [
      ...RESTORED,
      restoredUp({ flags: 'S', sequence: 77 }),
      restoredUp(CLIENT_DATA),
      restoredDown(SERVER_DATA),
    ],
    after: { sessions: [{ state: 'established', kind: 'restored' }] },
  },
  {
    name: 'what a stranger sends in mid-stream makes no state',
    steps: [fromFront(direct(CLIENT_DATA), passed), fromFront(direct(ACK), passed)],
    after: { sessions: [] },
  },
  {
    name: 'a SYN+ACK of which we know no SYN makes a session that is only opening',
    steps: [fromBack(fromServer(SYN_ACK), { ...kept, notes: ['adopted'] })],
    after: { sessions: [{ state: 'opening', kind: 'direct', flags: ['adopted'] }] },
  },
  {
    name: 'a connection found in mid-stream from the server is taken in as direct',
    steps: [
      fromBack(fromServer(SERVER_DATA), { ...kept, notes: ['adopted'] }),
      fromFront(direct(CLIENT_DATA), kept),
    ],
    after: { sessions: [{ state: 'established', kind: 'direct', flags: ['adopted'] }] },
  },
  {
    name: 'a connection found in mid-stream from a local is kept as it is',
    steps: [
      fromFront(fromBalancer(CLIENT_DATA), passed),
      fromBack(fromServer({ ...SERVER_DATA, to: LOCAL }), { ...kept, notes: ['adopted'] }),
      fromFront(fromBalancer(CLIENT_DATA), kept),
    ],
    after: { sessions: [{ state: 'established', kind: 'kept', flags: ['adopted'] }] },
  },
  {
    name: 'a connection in mid-stream of which there is no room to take note goes on',
    given: { sessionCapacity: 1 },
    steps: [
      ...RESTORED,
      fromFront(direct({ ...CLIENT_DATA, from: OTHER_CLIENT }), passed),
      fromBack(fromServer({ ...SERVER_DATA, to: OTHER_CLIENT }), passed),
    ],
  },
];
