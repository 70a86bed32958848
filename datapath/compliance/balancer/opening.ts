/** A SYN to a listener becomes a session, and its answer finds the way back. */
import { mss, nop, sackPermitted, timestamps, toa, windowScale } from '../../../packet/index.ts';
import type { BalancerTables } from '../data-path.ts';
import {
  CLIENT,
  fromBackend,
  fromClient,
  LOCAL,
  BACKEND,
  toBackend,
  toClient,
  WEB,
} from '../network.ts';
import { fromBack, fromFront, sent, type Row } from '../row.ts';

/** What Linux puts into a SYN. */
export const SYN_OPTIONS = [mss(1460), sackPermitted, timestamps(7), nop, windowScale(7)];

const syn = { flags: 'S', sequence: 1000, options: SYN_OPTIONS };
const synWithToa = { ...syn, options: [toa(CLIENT), ...SYN_OPTIONS] };

export const openingRows: readonly Row<BalancerTables>[] = [
  {
    name: 'a SYN to a listener leaves as local → backend, the client in a TOA right behind the header',
    steps: [fromFront(fromClient(syn), sent('to-backend', toBackend(synWithToa)))],
    then: {
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
    },
  },
  {
    name: 'a retransmitted SYN leaves from the same local port, with TOA again',
    steps: [
      fromFront(fromClient(syn), sent('to-backend', toBackend(synWithToa))),
      fromFront(fromClient(syn), sent('to-backend', toBackend(synWithToa))),
    ],
    then: { sessions: [{ state: 'opening' }] },
  },
  {
    name: 'a SYN+ACK comes back as listener → client',
    steps: [
      fromFront(fromClient(syn), sent('to-backend', toBackend(synWithToa))),
      fromBack(
        fromBackend({ flags: 'SA', sequence: 5000, acknowledgment: 1001, options: SYN_OPTIONS }),
        sent(
          'to-client',
          toClient({ flags: 'SA', sequence: 5000, acknowledgment: 1001, options: SYN_OPTIONS }),
        ),
      ),
    ],
    then: { sessions: [{ state: 'opening' }] },
  },
];
