/** A SYN to a listener becomes a session. */
import { toa } from '../../../packet/index.ts';
import type { BalancerTables, PoolRow } from '../../model/index.ts';
import { BACKEND, CLIENT, fromClient, LOCAL, OTHER_BACKEND, toBackend, WEB } from '../network.ts';
import { dropped, fromFront, seize, sent, stillWrong, type Row } from '../row.ts';
import { WEB_LISTENER } from '../tables.ts';
import {
  bytes,
  down,
  ESTABLISHED,
  OPENED,
  SYN,
  SYN_ACK,
  SYN_OPTIONS,
  upWithToa,
} from './conversation.ts';

const SECOND = '10.0.23.111:18057';
const pool = (schedule: readonly number[]): PoolRow => ({
  schedule,
  select: 'round-robin',
  seed: 0,
  locals: { first: 0, count: 1 },
});
const opening = { sessions: [{ state: 'opening' }] } as const;

export const openingRows: readonly Row<BalancerTables>[] = [
  {
    name: 'a SYN leaves as local → backend, the client in a TOA right behind the header',
    steps: [upWithToa(SYN)],
    after: {
      sessions: [
        {
          state: 'opening',
          kind: 'balanced',
          front: `${CLIENT}>${WEB}`,
          back: `${BACKEND}>${LOCAL}`,
          closedBy: [],
          flags: [],
        },
      ],
      ports: { '0/0': { allocated: 1, inUse: 1, resting: 0, failed: 0 } },
    },
  },
  {
    name: 'a retransmitted SYN leaves from the same local port, with TOA again',
    steps: [upWithToa(SYN), upWithToa(SYN), upWithToa(SYN)],
    after: { ...opening, ports: { '0/0': { allocated: 1, inUse: 1 } } },
  },
  {
    name: 'a SYN+ACK comes back as listener → client, its options as they were',
    steps: [...OPENED, down(SYN_ACK)],
    after: opening,
  },
  {
    name: 'a retransmitted SYN+ACK comes back too',
    steps: [...OPENED, down(SYN_ACK), down(SYN_ACK)],
    after: opening,
  },
  {
    name: 'a SYN without options becomes one with TOA alone',
    steps: [upWithToa({ flags: 'S', sequence: 1 })],
    after: opening,
  },
  {
    name: 'a SYN that offers ECN is a SYN',
    steps: [upWithToa({ ...SYN, flags: 'SEW', trafficClass: 0 })],
    after: opening,
  },
  {
    name: 'a SYN with PSH and URG set is a SYN',
    steps: [upWithToa({ ...SYN, flags: 'SPU', urgentPointer: 1 })],
    after: opening,
  },
  {
    name: 'traffic class, identification and DF stay as the client sent them',
    steps: [upWithToa({ ...SYN, trafficClass: 0xb8, identification: 0xabcd, dontFragment: false })],
  },
  {
    name: 'the highest sequence number is a number like others',
    steps: [
      upWithToa({ ...SYN, sequence: 0xffff_ffff }),
      down({ ...SYN_ACK, sequence: 0xffff_ffff, acknowledgment: 0 }),
    ],
  },
  {
    name: 'a SYN whose TCP checksum is wrong leaves with one that is still wrong',
    steps: [
      fromFront(
        fromClient({ ...SYN, badChecksum: 'transport' }),
        stillWrong(
          sent('to-backend', toBackend({ ...SYN, options: [toa(CLIENT), ...SYN_OPTIONS] })),
        ),
      ),
    ],
  },
  {
    name: 'connections, packets and bytes are counted as they came in, TOA not among them',
    steps: [...OPENED, down(SYN_ACK)],
    after: {
      listeners: counted({
        packetsIn: 1,
        bytesIn: 60,
        packetsOut: 1,
        bytesOut: 60,
        toaInserted: 1,
      }),
    },
  },
  {
    name: 'a SYN on an established session goes through, for the ends to judge',
    steps: [...ESTABLISHED, upWithToa({ ...SYN, sequence: 77 })],
    after: { sessions: [{ state: 'established', flags: [] }] },
  },
  {
    name: 'a SYN whose session is being deleted at this moment is dropped',
    steps: [...OPENED, seize(), fromFront(fromClient(SYN), dropped('drop-race'))],
  },
  ...[1, 2, 3, 63, 64, 65, 127, 128, 129, 511, 999, 1000, 1432].map(
    (count): Row<BalancerTables> => ({
      name: `a SYN that carries ${count} bytes gets TOA in front of them`,
      steps: [upWithToa({ ...SYN, payload: bytes(count) })],
    }),
  ),
  {
    name: 'each pool has its own run of the schedule',
    given: {
      listeners: [WEB_LISTENER, { ...WEB_LISTENER, at: SECOND, pool: 1 }],
      pools: [pool([0]), pool([1])],
      backends: [BACKEND, OTHER_BACKEND],
    },
    steps: [
      fromFront(
        fromClient({ ...SYN, to: SECOND }),
        sent(
          'to-backend',
          toBackend({ ...SYN, to: OTHER_BACKEND, options: [toa(CLIENT), ...SYN_OPTIONS] }),
        ),
      ),
    ],
  },
  {
    name: 'a SYN that would be larger than the MTU with TOA goes without, and is counted',
    steps: [
      fromFront(
        fromClient({ ...SYN, payload: bytes(1433) }),
        sent('to-backend', toBackend({ ...SYN, payload: bytes(1433) })),
      ),
    ],
    after: {
      listeners: counted({ packetsIn: 1, bytesIn: 1493, toaNotInserted: 1 }),
    },
  },
];

/** The counters of the first listener after one connection, and those of the others: nothing. */
export function counted(first: object) {
  const none = {
    connections: 0,
    packetsIn: 0,
    bytesIn: 0,
    packetsOut: 0,
    bytesOut: 0,
    refused: 0,
    toaInserted: 0,
    toaNotInserted: 0,
  };
  const others = Array.from({ length: 7 }, () => none);
  return [{ ...none, connections: 1, ...first }, ...others];
}
