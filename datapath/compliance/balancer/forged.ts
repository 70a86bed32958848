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
import { fromFront, reconfigure, sent, type Row } from '../row.ts';
import { webWith } from '../tables.ts';
import {
  ACK,
  ANSWERED,
  CLIENT_DATA,
  CLIENT_ISN,
  CLIENT_RST,
  CLOSED,
  down,
  ESTABLISHED,
  OPENED,
  SERVER_DATA,
  SYN,
  SYN_OPTIONS,
  up,
  upWithToa,
  type Segment,
} from './conversation.ts';

const FIN_WITHOUT_ACK: Segment = { flags: 'F', sequence: CLIENT_ISN + 1 };
const SYN_WITH_TOA = { ...SYN, options: [toa(CLIENT), ...SYN_OPTIONS] };

export const forgedRows: readonly Row<BalancerTables>[] = [
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
        pools: [{ schedule: [1], select: 'round-robin', locals: { first: 0, count: 1 } }],
      }),
      fromFront(
        fromClient(SYN),
        sent('to-backend', toBackend({ ...SYN_WITH_TOA, to: OTHER_BACKEND })),
      ),
    ],
    after: { sessions: [{ state: 'opening', back: `${OTHER_BACKEND}>${LOCAL_ADDRESS}:5004` }] },
  },
];
