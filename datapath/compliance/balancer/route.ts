/** Where translated packets go, and why they may not get there. */
import { toa } from '../../../packet/index.ts';
import type { BalancerTables } from '../../model/index.ts';
import {
  BACK_MTU_BYTES,
  CLIENT,
  CLIENT_MAC,
  FRONT_MAC,
  FRONT_MTU_BYTES,
  fromBackend,
  fromClient,
  LOST_CLIENT,
  SILENT_BACKEND,
  toBackend,
  toClient,
} from '../network.ts';
import { dropped, fromBack, fromFront, sent, type Row, type Step } from '../row.ts';
import {
  bytes,
  CLIENT_DATA,
  CLIENT_RST,
  down,
  ESTABLISHED,
  SERVER_DATA,
  SYN,
  SYN_ACK,
  SYN_OPTIONS,
  up,
  type Segment,
} from './conversation.ts';
import { answered } from './answers.ts';

const HEADERS_BYTES = 40;
/** Class E (RFC 1112 section 4); others that routers let through are no better. */
const NOT_ONE_HOST = '240.0.0.1:21521';
const established = { sessions: [{ state: 'established' }] } as const;
const withToa = { ...SYN, options: [toa(CLIENT), ...SYN_OPTIONS] };
/** What the neighbour table does not know yet is left to the kernel, with the addresses it came with. */
const unresolved = { ethernet: { source: CLIENT_MAC, destination: FRONT_MAC }, to: SILENT_BACKEND };

export const routeRows: readonly Row<BalancerTables>[] = [
  {
    name: 'a TTL of 2 becomes 1, both ways',
    steps: [
      ...ESTABLISHED,
      fromFront(
        fromClient({ ...CLIENT_DATA, ttl: 2 }),
        sent('to-backend', toBackend({ ...CLIENT_DATA, ttl: 1 })),
      ),
      fromBack(
        fromBackend({ ...SERVER_DATA, ttl: 2 }),
        sent('to-client', toClient({ ...SERVER_DATA, ttl: 1 })),
      ),
    ],
  },
  {
    name: 'a TTL of 255 becomes 254',
    steps: [
      fromFront(
        fromClient({ ...SYN, ttl: 255 }),
        sent('to-backend', toBackend({ ...withToa, ttl: 254 })),
      ),
    ],
  },
  ...[0, 1].flatMap((ttl): Row<BalancerTables>[] => [
    {
      name: `a TTL of ${ttl} ends here, both ways`,
      steps: [
        ...ESTABLISHED,
        expires(fromClient({ ...CLIENT_DATA, ttl })),
        fromBack(
          fromBackend({ ...SERVER_DATA, ttl }),
          answered('answer-ttl', 'back', fromBackend({ ...SERVER_DATA, ttl })),
        ),
      ],
      after: established,
    },
    {
      name: `a SYN whose TTL of ${ttl} ends here opens no session`,
      steps: [expires(fromClient({ ...SYN, ttl }))],
      after: { sessions: [] },
    },
    {
      name: `a RST whose TTL of ${ttl} ends here does not reset the session`,
      steps: [...ESTABLISHED, expires(fromClient({ ...CLIENT_RST, ttl }))],
      after: established,
    },
  ]),
  {
    name: 'an answer to a client without a route is dropped by name',
    steps: [
      fromFront(
        fromClient({ ...SYN, from: LOST_CLIENT }),
        sent('to-backend', toBackend({ ...SYN, options: [toa(LOST_CLIENT), ...SYN_OPTIONS] })),
      ),
      fromBack(fromBackend(SYN_ACK), dropped('drop-no-route')),
    ],
  },
  {
    name: 'the first SYN to a backend whose neighbour is not known yet has TOA too',
    given: { backends: [SILENT_BACKEND] },
    steps: [
      fromFront(fromClient(SYN), sent('to-backend', toBackend({ ...withToa, ...unresolved }))),
    ],
  },
  {
    name: 'a packet as large as the next hop’s MTU goes through',
    steps: [
      ...ESTABLISHED,
      up({ ...CLIENT_DATA, payload: bytes(BACK_MTU_BYTES - HEADERS_BYTES) }),
      down({ ...SERVER_DATA, payload: bytes(FRONT_MTU_BYTES - HEADERS_BYTES) }),
    ],
  },
  ...[1, 4, 5, 1000].map((excess): Row<BalancerTables> => {
    const payload = bytes(BACK_MTU_BYTES - HEADERS_BYTES + excess);
    const frame = fromClient({ ...CLIENT_DATA, payload });
    return {
      name: `a packet ${excess} bytes larger than the next hop’s MTU is answered with that MTU`,
      steps: [...ESTABLISHED, fromFront(frame, answered('answer-too-big', 'front', frame))],
      after: established,
    };
  }),
  {
    name: 'who is not one host gets no answer',
    steps: [
      upFrom(NOT_ONE_HOST, SYN),
      fromFront(fromClient({ ...CLIENT_DATA, from: NOT_ONE_HOST, ttl: 1 }), dropped('drop-ttl')),
      fromFront(
        fromClient({ ...CLIENT_DATA, from: NOT_ONE_HOST, payload: bytes(BACK_MTU_BYTES) }),
        dropped('drop-too-big'),
      ),
    ],
  },
];

/** The client learns that its packet's time ended here. */
function expires(frame: Uint8Array): Step<BalancerTables> {
  return fromFront(frame, answered('answer-ttl', 'front', frame));
}

function upFrom(client: string, syn: Segment): Step<BalancerTables> {
  const grown = { ...syn, options: [toa(client), ...SYN_OPTIONS] };
  return fromFront(fromClient({ ...syn, from: client }), sent('to-backend', toBackend(grown)));
}
