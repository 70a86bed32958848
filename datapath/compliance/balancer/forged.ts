/** What anyone can send under a client's address: it keeps nothing alive, and ends nothing at once. */
import { toa } from '../../../packet/index.ts';
import type { BalancerTables } from '../../model/index.ts';
import {
  BACKEND,
  CLIENT,
  fromClient,
  LOCAL_ADDRESS,
  OTHER_BACKEND,
  toBackend,
} from '../network.ts';
import { elapse, fromFront, reconfigure, sent, type Row } from '../row.ts';
import { webWith } from '../tables.ts';
import {
  ACK,
  ANSWERED,
  CLIENT_DATA,
  CLIENT_FIN,
  CLIENT_ISN,
  CLIENT_RST,
  CLOSED,
  down,
  ESTABLISHED,
  OPENED,
  SERVER_DATA,
  SERVER_FIN,
  SERVER_ISN,
  SERVER_RST,
  SYN,
  SYN_OPTIONS,
  up,
  upWithToa,
  type Segment,
} from './conversation.ts';

const FIN_WITHOUT_ACK: Segment = { flags: 'F', sequence: CLIENT_ISN + 1 };
const SYN_WITH_TOA = { ...SYN, options: [toa(CLIENT), ...SYN_OPTIONS] };

/** What the client, or the server, cannot have reached with a handshake and a few bytes. */
const BEYOND = [-1, 1_000, 65_536, 0x7fff_ffff] as const;
const judgedResets = BEYOND.map((distance): Row<BalancerTables> => ({
  name: `a RST at sequence ${distance} of the session moves nothing: the ends judge it`,
  steps: [
    ...ESTABLISHED,
    up({ ...CLIENT_RST, sequence: CLIENT_ISN + distance }, 'reset-not-believed'),
    down({ ...SERVER_RST, sequence: SERVER_ISN + distance }, 'reset-not-believed'),
  ],
  after: { sessions: [{ state: 'established' }] },
}));

const judgedFins = BEYOND.map((distance): Row<BalancerTables> => ({
  name: `a FIN at sequence ${distance} of the session closes nothing`,
  steps: [
    ...ESTABLISHED,
    up({ ...CLIENT_FIN, sequence: CLIENT_ISN + distance }, 'fin-not-believed'),
    down({ ...SERVER_FIN, sequence: SERVER_ISN + distance }, 'fin-not-believed'),
  ],
  after: { sessions: [{ state: 'established', closedBy: [] }] },
}));

export const forgedRows: readonly Row<BalancerTables>[] = [
  ...judgedResets,
  ...judgedFins,
  {
    name: 'a FIN behind data that was sent before it closes, and so does one that came again',
    steps: [
      ...ESTABLISHED,
      up(CLIENT_DATA),
      up({ ...CLIENT_FIN, sequence: CLIENT_ISN + 6 }),
      up({ ...CLIENT_FIN, sequence: CLIENT_ISN + 6 }),
    ],
    after: { sessions: [{ state: 'closing', closedBy: ['front'] }] },
  },
  {
    name: 'a RST that is not believed does not keep a session alive (RFC 7857 section 7)',
    steps: [
      ...ESTABLISHED,
      elapse(2),
      up({ ...CLIENT_RST, sequence: CLIENT_ISN - 1 }, 'reset-not-believed'),
    ],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'a RST at the next expected number resets, and so does one of the data before it',
    steps: [
      ...ESTABLISHED,
      up(CLIENT_DATA),
      up({ ...CLIENT_RST, sequence: CLIENT_ISN + 6 }),
      up({ ...CLIENT_RST, sequence: CLIENT_ISN + 1 }),
    ],
    after: { sessions: [{ state: 'reset' }] },
  },
  {
    name: 'a SYN and a FIN that no server answered stay half open, and give way',
    steps: [...OPENED, up(FIN_WITHOUT_ACK)],
    after: { sessions: [{ state: 'opening' }] },
  },
  {
    name: 'a SYN, a RST and an ACK that no server answered stay half open',
    steps: [...OPENED, up(CLIENT_RST), up(ACK)],
    after: { sessions: [{ state: 'opening' }] },
  },
  {
    name: 'a FIN before the handshake does not let a TOA of the client’s own through',
    given: webWith({ toa: 'handshake' }),
    steps: [...ANSWERED, up(FIN_WITHOUT_ACK), upWithToa(CLIENT_DATA)],
  },
  {
    name: 'a RST and a SYN under the client’s address do not end what the server goes on with',
    steps: [...ESTABLISHED, up(CLIENT_RST), upWithToa(SYN, 'reopened'), down(SERVER_DATA)],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'a SYN on a tuple that rests goes to a backend in the schedule, not back to one that left it',
    given: {
      backends: [BACKEND, OTHER_BACKEND],
      locals: [{ address: LOCAL_ADDRESS, ports: [5004, 5004] }],
    },
    steps: [
      ...CLOSED,
      reconfigure<BalancerTables>({
        pools: [{ schedule: [1], select: 'round-robin', seed: 0, locals: { first: 0, count: 1 } }],
      }),
      fromFront(
        fromClient(SYN),
        sent('to-backend', toBackend({ ...SYN_WITH_TOA, to: OTHER_BACKEND })),
      ),
    ],
    after: { sessions: [{ state: 'opening', back: `${OTHER_BACKEND}>${LOCAL_ADDRESS}:5004` }] },
  },
];
