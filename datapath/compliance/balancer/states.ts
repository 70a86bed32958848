/** How a connection's segments move its session from state to state. */
import type { BalancerTables, SessionView } from '../../model/index.ts';
import { elapse, type Row, type Step } from '../row.ts';
import {
  ACK,
  ANSWERED,
  bytes,
  CLIENT_DATA,
  CLIENT_FIN,
  CLIENT_ISN,
  CLIENT_RST,
  CLOSED,
  down,
  ESTABLISHED,
  OPENED,
  SERVER_ACK,
  SERVER_DATA,
  SERVER_FIN,
  SERVER_ISN,
  SERVER_RST,
  SYN,
  SYN_ACK,
  up,
  upWithToa,
} from './conversation.ts';

type Fact = [name: string, steps: readonly Step<BalancerTables>[], session: Partial<SessionView>];

const BOTH = ['front', 'back'] as const;

/** A sentence, the segments, and the session after them. */
const FACTS: readonly Fact[] = [
  ["the client's ACK of the SYN+ACK establishes", [...ANSWERED, up(ACK)], { state: 'established' }],
  [
    "the client's first data establishes when its ACK was lost",
    [...ANSWERED, up(CLIENT_DATA)],
    { state: 'established' },
  ],
  [
    'an ACK that covers data sent with the SYN+ACK establishes (fast open)',
    [...ANSWERED, down(SERVER_DATA), up({ ...ACK, acknowledgment: SERVER_ISN + 7 })],
    { state: 'established' },
  ],
  [
    'an ACK of something else does not establish',
    [...ANSWERED, up({ ...ACK, acknowledgment: SERVER_ISN })],
    { state: 'opening' },
  ],
  ['an ACK before any SYN+ACK does not establish', [...OPENED, up(ACK)], { state: 'opening' }],
  ["the server's ACK does not establish", [...ANSWERED, down(SERVER_ACK)], { state: 'opening' }],
  [
    'sequence numbers may wrap during the handshake',
    [
      upWithToa({ ...SYN, sequence: 0xffff_ffff }),
      down({ ...SYN_ACK, sequence: 0xffff_ffff, acknowledgment: 0 }),
      up({ flags: 'A', sequence: 0, acknowledgment: 0 }),
    ],
    { state: 'established' },
  ],
  [
    'both SYNs cross, and both are answered: a simultaneous open establishes (RFC 9293 figure 8)',
    [
      ...OPENED,
      down({ flags: 'S', sequence: SERVER_ISN }),
      upWithToa({ ...SYN_ACK, sequence: CLIENT_ISN, acknowledgment: SERVER_ISN + 1 }),
      down(SYN_ACK),
    ],
    { state: 'established' },
  ],
  [
    'a SYN+ACK of the client’s that acknowledges something else establishes nothing',
    [
      ...OPENED,
      down({ flags: 'S', sequence: SERVER_ISN }),
      upWithToa({ ...SYN_ACK, sequence: CLIENT_ISN, acknowledgment: SERVER_ISN }),
    ],
    { state: 'opening' },
  ],
  [
    'a connection that one side has closed lives as long as the other one sends',
    [
      ...ESTABLISHED,
      up(CLIENT_FIN),
      ...Array.from({ length: 5 }, () => [elapse<BalancerTables>(100), down(SERVER_DATA)]).flat(),
    ],
    { state: 'closing', closedBy: ['front'] },
  ],
  [
    'the same, the server first',
    [
      ...ESTABLISHED,
      down(SERVER_FIN),
      ...Array.from({ length: 5 }, () => [elapse<BalancerTables>(100), up(CLIENT_DATA)]).flat(),
    ],
    { state: 'closing', closedBy: ['back'] },
  ],
  [
    'data goes through both ways',
    [...ESTABLISHED, up(CLIENT_DATA), down(SERVER_DATA)],
    { state: 'established' },
  ],
  ...[1, 2, 1459, 1460].map((count): Fact => [
    `${count} bytes go through both ways, untouched`,
    [
      ...ESTABLISHED,
      up({ ...CLIENT_DATA, payload: bytes(count) }),
      down({ ...SERVER_DATA, payload: bytes(count) }),
    ],
    { state: 'established' },
  ]),
  [
    'data after a silence finds its session',
    [...ESTABLISHED, elapse(300), up(CLIENT_DATA), elapse(300), down(SERVER_DATA)],
    { state: 'established' },
  ],
  [
    'a keep-alive and a zero window go through',
    [
      ...ESTABLISHED,
      up({ ...ACK, sequence: CLIENT_ISN }),
      down(SERVER_ACK),
      down({ ...SERVER_ACK, window: 0 }),
    ],
    { state: 'established' },
  ],
  [
    'a segment without any flag goes through',
    [...ESTABLISHED, up({ flags: '', sequence: CLIENT_ISN + 1 })],
    { state: 'established' },
  ],
  [
    "the client's FIN begins to close",
    [...ESTABLISHED, up(CLIENT_FIN)],
    { state: 'closing', closedBy: ['front'] },
  ],
  [
    "the server's FIN begins to close",
    [...ESTABLISHED, down(SERVER_FIN)],
    { state: 'closing', closedBy: ['back'] },
  ],
  [
    'a FIN sent twice is one FIN',
    [...ESTABLISHED, up(CLIENT_FIN), up(CLIENT_FIN)],
    { state: 'closing', closedBy: ['front'] },
  ],
  [
    'after one FIN the other side may go on sending (half close)',
    [...ESTABLISHED, up(CLIENT_FIN), down(SERVER_DATA), up(ACK)],
    { state: 'closing', closedBy: ['front'] },
  ],
  [
    'FINs from both sides let the tuple rest',
    [...ESTABLISHED, up(CLIENT_FIN), down(SERVER_FIN)],
    { state: 'time-wait', closedBy: BOTH },
  ],
  [
    'the same, the server first',
    [...ESTABLISHED, down(SERVER_FIN), up(CLIENT_FIN)],
    { state: 'time-wait', closedBy: BOTH },
  ],
  [
    'the last ACK goes through and the tuple rests on',
    [...CLOSED, up({ ...ACK, sequence: CLIENT_ISN + 2, acknowledgment: SERVER_ISN + 2 })],
    { state: 'time-wait', closedBy: BOTH },
  ],
  [
    'FINs sent again go through and the tuple rests on',
    [...CLOSED, elapse(2), down(SERVER_FIN), up(CLIENT_FIN)],
    { state: 'time-wait', closedBy: BOTH },
  ],
  [
    'a RST goes through to a resting tuple and does not shorten its rest',
    [...CLOSED, up(CLIENT_RST), down(SERVER_RST)],
    { state: 'time-wait', closedBy: BOTH },
  ],
  [
    'a FIN with data closes',
    [...ESTABLISHED, up({ ...CLIENT_DATA, flags: 'FPA' })],
    { state: 'closing' },
  ],
  [
    'a FIN before the handshake is done closes',
    [...ANSWERED, up(CLIENT_FIN)],
    { state: 'closing' },
  ],
  ["the client's RST resets", [...ESTABLISHED, up(CLIENT_RST)], { state: 'reset', closedBy: [] }],
  ["the server's RST resets", [...ESTABLISHED, down(SERVER_RST)], { state: 'reset', closedBy: [] }],
  [
    'a refused connection (RST+ACK) is reset',
    [...OPENED, down({ flags: 'RA', sequence: 0, acknowledgment: CLIENT_ISN + 1 })],
    { state: 'reset' },
  ],
  [
    'a RST while closing remembers who closed',
    [...ESTABLISHED, up(CLIENT_FIN), down(SERVER_RST)],
    { state: 'reset', closedBy: ['front'] },
  ],
  [
    'what the supposed sender of a RST sends later undoes it: the client',
    [...ESTABLISHED, up(CLIENT_RST), up(CLIENT_DATA)],
    { state: 'established' },
  ],
  [
    'what the supposed sender of a RST sends later undoes it: the server',
    [...ESTABLISHED, down(SERVER_RST), down(SERVER_DATA)],
    { state: 'established' },
  ],
  [
    'what was under way from the server does not undo a RST of the client',
    [...ESTABLISHED, elapse(2), up(CLIENT_RST), down(SERVER_DATA)],
    { state: 'reset' },
  ],
  [
    'what was under way from the client does not undo a RST of the server',
    [...ESTABLISHED, elapse(2), down(SERVER_RST), up(CLIENT_DATA)],
    { state: 'reset' },
  ],
  [
    'a RST undone while closing leaves the session closing',
    [...ESTABLISHED, up(CLIENT_FIN), down(SERVER_RST), down(SERVER_DATA)],
    { state: 'closing', closedBy: ['front'] },
  ],
  [
    'a SYN on a resting tuple takes it up again, from the same local port',
    [...CLOSED, upWithToa({ ...SYN, sequence: 9000 }, 'reopened')],
    { state: 'opening', closedBy: [], flags: ['reopened'] },
  ],
  [
    'the same after a RST',
    [...ESTABLISHED, up(CLIENT_RST), upWithToa({ ...SYN, sequence: 9000 }, 'reopened')],
    { state: 'opening', flags: ['reopened'] },
  ],
  [
    'a reopened session has a handshake of its own',
    [
      ...CLOSED,
      upWithToa({ ...SYN, sequence: 9000 }, 'reopened'),
      up(ACK),
      down({ ...SYN_ACK, sequence: 70, acknowledgment: 9001 }),
      up({ ...ACK, sequence: 9001, acknowledgment: 71 }),
    ],
    { state: 'established', flags: ['reopened'] },
  ],
  [
    'an old ACK does not establish a reopened session',
    [...CLOSED, upWithToa({ ...SYN, sequence: 9000 }, 'reopened'), up(ACK)],
    { state: 'opening' },
  ],
];

export const stateRows: readonly Row<BalancerTables>[] = FACTS.map(([name, steps, session]) => ({
  name,
  steps,
  after: { sessions: [session] },
}));
