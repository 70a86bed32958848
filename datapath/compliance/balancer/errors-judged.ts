/** ICMP errors that quote a session of ours, and whether they are believed. */
import type { BalancerTables } from '../../model/index.ts';
import { fromClient, toBackend, toClient } from '../network.ts';
import { dropped, fromFront, seize, sent, type Row, type Step } from '../row.ts';
import {
  ACK,
  CLIENT_DATA,
  CLIENT_ISN,
  down,
  SERVER_DATA,
  SERVER_ISN,
  SYN,
  SYN_ACK,
  up,
} from './conversation.ts';
import {
  TOO_BIG,
  HOST_UNREACHABLE,
  aboutUp,
  quotedUp,
  quotedDown,
  arrives,
  EXCHANGED,
  SYN_WITH_TOA,
  established,
} from './error-conversation.ts';

/** A connection whose client's numbers begin just before they wrap around. */
const WRAPS_AT = 0xffff_fffe;
const WRAPPED_SYN = { ...SYN, sequence: WRAPS_AT };
const WRAPPED_ANSWER = { ...SYN_ACK, acknowledgment: WRAPS_AT + 1 };
const WRAPPING: readonly Step<BalancerTables>[] = [
  fromFront(
    fromClient(WRAPPED_SYN),
    sent('to-backend', toBackend({ ...SYN_WITH_TOA, sequence: WRAPS_AT })),
  ),
  down(WRAPPED_ANSWER),
  up({ ...ACK, sequence: WRAPS_AT + 1 }),
  up({ ...CLIENT_DATA, sequence: WRAPS_AT + 1 }),
];

/** Sequence numbers: what was sent is known by its first one and by the bytes counted since. */
const LAST_SENT = CLIENT_ISN + 1 + 5;
export const judgedErrorRows: readonly Row<BalancerTables>[] = [
  ...[CLIENT_ISN, CLIENT_ISN + 1, LAST_SENT].map((sequence): Row<BalancerTables> => ({
    name: `sequence ${sequence - CLIENT_ISN} of the session can have been sent`,
    steps: [...EXCHANGED, aboutUp(HOST_UNREACHABLE, { ...CLIENT_DATA, sequence })],
  })),
  ...[-1, 10_000, 0x7fff_ffff].map((distance): Row<BalancerTables> => ({
    name: `sequence ${distance} of the session cannot, so the error is forged`,
    steps: [
      ...EXCHANGED,
      arrives(
        'back',
        HOST_UNREACHABLE,
        toBackend({ ...CLIENT_DATA, sequence: CLIENT_ISN + distance }),
        dropped('drop-error-forged'),
      ),
      arrives(
        'front',
        HOST_UNREACHABLE,
        toClient({ ...SERVER_DATA, sequence: SERVER_ISN + distance }),
        dropped('drop-error-forged'),
      ),
    ],
    after: established,
  })),
  {
    name: 'sequence numbers that wrap around are no forgery',
    steps: [
      ...WRAPPING,
      aboutUp(HOST_UNREACHABLE, { ...CLIENT_DATA, sequence: 3 }),
      arrives(
        'back',
        HOST_UNREACHABLE,
        toBackend({ ...CLIENT_DATA, sequence: 0xffff_fffd }),
        dropped('drop-error-forged'),
      ),
    ],
  },
  {
    name: 'a forged SYN does not move where the session’s numbers begin',
    steps: [
      ...EXCHANGED,
      fromFront(
        fromClient({ ...SYN, sequence: 0x4000_0000 }),
        sent('to-backend', toBackend({ ...SYN_WITH_TOA, sequence: 0x4000_0000 })),
      ),
      aboutUp(HOST_UNREACHABLE, CLIENT_DATA),
    ],
    after: established,
  },
  {
    name: 'a session being deleted takes no errors',
    steps: [
      ...EXCHANGED,
      seize(),
      arrives('back', HOST_UNREACHABLE, quotedUp(CLIENT_DATA).received, dropped('drop-race')),
    ],
  },
  {
    name: 'an error whose own time ends here is not answered',
    steps: [
      ...EXCHANGED,
      arrives('back', TOO_BIG, quotedUp(CLIENT_DATA).received, dropped('drop-ttl'), { ttl: 1 }),
      arrives('front', TOO_BIG, quotedDown(SERVER_DATA).received, dropped('drop-ttl'), { ttl: 1 }),
    ],
  },
  ...(['ipv4', 'transport', 'both'] as const).map((badChecksum): Row<BalancerTables> => ({
    name: `a wrong checksum of the error itself: ${badChecksum} (RFC 5508 REQ-3)`,
    steps: [
      ...EXCHANGED,
      arrives('back', TOO_BIG, quotedUp(CLIENT_DATA).received, dropped('drop-bad-checksum'), {
        badChecksum,
      }),
      arrives('front', TOO_BIG, quotedDown(SERVER_DATA).received, dropped('drop-bad-checksum'), {
        badChecksum,
      }),
    ],
  })),
  ...[0, 0x1234].map((checksum): Row<BalancerTables> => ({
    name: `a quoted IPv4 header with checksum ${checksum} is wrong (RFC 5508 REQ-3a)`,
    steps: [
      ...EXCHANGED,
      arrives(
        'back',
        TOO_BIG,
        toBackend({ ...CLIENT_DATA, ipv4: { checksum } }),
        dropped('drop-bad-checksum'),
      ),
    ],
  })),
];
