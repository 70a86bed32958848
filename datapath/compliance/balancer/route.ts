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
import { dropped, fromBack, fromFront, sent, type Row } from '../row.ts';
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
} from './conversation.ts';

const HEADERS_BYTES = 40;
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
        fromFront(fromClient({ ...CLIENT_DATA, ttl }), dropped('drop-ttl')),
        fromBack(fromBackend({ ...SERVER_DATA, ttl }), dropped('drop-ttl')),
      ],
      after: established,
    },
    {
      name: `a SYN whose TTL of ${ttl} ends here opens no session`,
      steps: [fromFront(fromClient({ ...SYN, ttl }), dropped('drop-ttl'))],
      after: { sessions: [] },
    },
    {
      name: `a RST whose TTL of ${ttl} ends here does not reset the session`,
      steps: [...ESTABLISHED, fromFront(fromClient({ ...CLIENT_RST, ttl }), dropped('drop-ttl'))],
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
  ...[1, 4, 5, 1000].map((excess): Row<BalancerTables> => ({
    name: `a packet ${excess} bytes larger than the next hop’s MTU is dropped by name`,
    steps: [
      ...ESTABLISHED,
      fromFront(
        fromClient({ ...CLIENT_DATA, payload: bytes(BACK_MTU_BYTES - HEADERS_BYTES + excess) }),
        dropped('drop-too-big'),
      ),
    ],
    after: established,
  })),
];
