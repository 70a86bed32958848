/** A client's port is used again while its old connection is live here, and forgotten by the server. */
import { toa } from '../../../packet/index.ts';
import type { BalancerTables } from '../../model/index.ts';
import { CLIENT, fromClient, toBackend } from '../network.ts';
import { fromFront, sent, type Row, type Step } from '../row.ts';
import { webWith } from '../tables.ts';
import {
  ACK,
  ANSWERED,
  bytes,
  CLIENT_DATA,
  CLIENT_FIN,
  CLIENT_RST,
  down,
  ESTABLISHED,
  OPENED,
  SERVER_FIN,
  SERVER_RST,
  SYN,
  SYN_ACK,
  up,
  upWithToa,
  type Segment,
} from './conversation.ts';
import { aboutUp, HOST_UNREACHABLE } from './error-conversation.ts';

/** Where the numbers of the new connection begin: far from the old ones. */
const [CLIENT_ISN, SERVER_ISN] = [0x4000_0000, 0x7000_0000];

const NEW_SYN = { ...SYN, sequence: CLIENT_ISN };
const NEW_SYN_ACK = { ...SYN_ACK, sequence: SERVER_ISN, acknowledgment: CLIENT_ISN + 1 };
const NEW_ACK: Segment = ofClient(ACK);
const BEGUN: readonly Step<BalancerTables>[] = [
  upWithToa(NEW_SYN),
  down(NEW_SYN_ACK, 'begun-anew'),
];
const ANEW: readonly Step<BalancerTables>[] = [...BEGUN, up(NEW_ACK)];

export const anewRows: readonly Row<BalancerTables>[] = [
  {
    name: 'a SYN on a live session moves nothing by itself: anyone can send it',
    steps: [...ESTABLISHED, upWithToa(NEW_SYN), up(CLIENT_RST)],
    after: { sessions: [{ state: 'reset' }] },
  },
  {
    name: 'the server’s answer to it makes the session the new connection’s',
    steps: [...ESTABLISHED, ...BEGUN],
    after: { sessions: [{ state: 'opening', closedBy: [] }] },
  },
  {
    name: 'the new connection is established like any other',
    steps: [...ESTABLISHED, ...ANEW],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'a RST of the new connection is believed, one of the old connection is not',
    steps: [
      ...ESTABLISHED,
      ...ANEW,
      up(CLIENT_RST, 'reset-not-believed'),
      down(SERVER_RST, 'reset-not-believed'),
      down({ ...SERVER_RST, sequence: SERVER_ISN + 1 }),
    ],
    after: { sessions: [{ state: 'reset' }] },
  },
  {
    name: 'an ICMP error about the new connection is believed',
    steps: [...ESTABLISHED, ...ANEW, aboutUp(HOST_UNREACHABLE, ofClient(CLIENT_DATA))],
  },
  {
    name: 'the first FIN of the new connection counts for its own side alone',
    steps: [
      ...ESTABLISHED,
      up(CLIENT_FIN),
      ...ANEW,
      down({ ...SERVER_FIN, sequence: SERVER_ISN + 1, acknowledgment: CLIENT_ISN + 1 }),
    ],
    after: { sessions: [{ state: 'closing', closedBy: ['back'] }] },
  },
  {
    name: 'a SYN+ACK of the connection itself that comes late changes nothing',
    steps: [...ESTABLISHED, up(CLIENT_FIN), down(SYN_ACK)],
    after: { sessions: [{ state: 'closing', closedBy: ['front'] }] },
  },
  {
    name: 'which of two SYNs the server took is known by its answer',
    steps: [
      ...OPENED,
      upWithToa(NEW_SYN),
      down(SYN_ACK),
      up(ACK),
      up({ ...CLIENT_RST, sequence: CLIENT_ISN + 1 }, 'reset-not-believed'),
    ],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'TOA goes on the handshake of the new connection, too',
    given: webWith({ toa: 'handshake' }),
    steps: [...ANSWERED, upWithToa(ACK), ...BEGUN, upWithToa(NEW_ACK), up(ACK)],
  },
  {
    name: 'what completes the new handshake is announced when it has no room, as the old one was',
    given: webWith({ toa: 'handshake' }),
    steps: [
      ...ANSWERED,
      upWithToa(ACK),
      ...BEGUN,
      fromFront(
        fromClient({ ...ofClient(CLIENT_DATA), payload: bytes(1460) }),
        sent('to-backend', toBackend({ ...NEW_ACK, options: [toa(CLIENT)] })),
      ),
    ],
  },
];

/** The same segment, of the new connection. */
function ofClient(segment: Segment): Segment {
  return { ...segment, sequence: CLIENT_ISN + 1, acknowledgment: SERVER_ISN + 1 };
}
