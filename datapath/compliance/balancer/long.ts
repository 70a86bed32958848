/** Connections over which gigabytes go: their numbers wrap around, and are still known. */
import type { BalancerTables } from '../../model/index.ts';
import { carry, elapse, type Row, type Step } from '../row.ts';
import {
  ACK,
  CLIENT_DATA,
  CLIENT_FIN,
  CLIENT_ISN,
  CLIENT_RST,
  down,
  ESTABLISHED,
  SERVER_DATA,
  SERVER_ISN,
  SERVER_RST,
  up,
  type Segment,
} from './conversation.ts';

const GIBIBYTE = 2 ** 30;
const NUMBERS = 2 ** 32;
/** Of what is counted this much is headers, and what was sent again. */
const OVERHEAD = 0.05;
const ROUNDS = 40;

/** A client that sends half a gigabyte, and a packet a second later, again and again. */
const FORTY_ROUNDS = Array.from({ length: ROUNDS }, (_, i): Step<BalancerTables>[] => [
  carry(GIBIBYTE / 2, 'front'),
  elapse(2),
  up(at(CLIENT_DATA, progress(i + 1))),
]).flat();

export const longRows: readonly Row<BalancerTables>[] = [
  ...[0.5, 3, 5, 9].map((gibibytes): Row<BalancerTables> => ({
    name: `after ${gibibytes} GiB of the server’s a RST where it has come to is believed`,
    steps: [
      ...ESTABLISHED,
      carry(gibibytes * GIBIBYTE, 'back'),
      down({ ...SERVER_RST, sequence: (SERVER_ISN + 1 + gibibytes * GIBIBYTE) % NUMBERS }),
    ],
    after: { sessions: [{ state: 'reset' }] },
  })),
  ...[5, 9].flatMap((gibibytes) =>
    [-1.1, 0.1, 1.5].map((off): Row<BalancerTables> => ({
      name: `after ${gibibytes} GiB of the client’s a RST ${off} GiB from there is not believed`,
      steps: [
        ...ESTABLISHED,
        carry(gibibytes * GIBIBYTE, 'front'),
        up(at(CLIENT_RST, (gibibytes + off) * GIBIBYTE), 'reset-not-believed'),
      ],
      after: { sessions: [{ state: 'established' }] },
    })),
  ),
  {
    name: 'however much is sent again, data says where its sender has come',
    steps: [...ESTABLISHED, ...FORTY_ROUNDS, up(at(CLIENT_FIN, progress(ROUNDS)))],
    after: { sessions: [{ state: 'closing' }] },
  },
  {
    name: 'and where it cannot have come',
    steps: [
      ...ESTABLISHED,
      ...FORTY_ROUNDS,
      up(at(CLIENT_FIN, progress(ROUNDS) + 0.6 * GIBIBYTE), 'fin-not-believed'),
    ],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'one forged number among the data is forgotten with the next true one',
    steps: [
      ...ESTABLISHED,
      carry(2 * GIBIBYTE, 'front'),
      up(at(CLIENT_DATA, 2 * GIBIBYTE)),
      elapse(2),
      up(at(CLIENT_DATA, 1.1 * GIBIBYTE)),
      elapse(2),
      up(at(CLIENT_DATA, 2 * GIBIBYTE)),
      up(at(CLIENT_FIN, 2 * GIBIBYTE)),
    ],
    after: { sessions: [{ state: 'closing' }] },
  },
  {
    name: 'numbers that have wrapped around do not make data a handshake again',
    steps: [
      ...ESTABLISHED,
      carry(5 * GIBIBYTE, 'back'),
      elapse(2),
      down({ ...SERVER_DATA, sequence: (SERVER_ISN + 4.2 * GIBIBYTE) % NUMBERS }),
      up({ ...ACK, sequence: CLIENT_ISN + 1 }),
    ],
    after: { sessions: [{ state: 'established' }] },
  },
];

/** The bytes of data among what was counted in so many rounds. */
function progress(rounds: number): number {
  return Math.round((rounds * GIBIBYTE * (1 - OVERHEAD)) / 2);
}

/** The segment, so many bytes after the client's first one. */
function at(segment: Segment, bytes: number): Segment {
  return { ...segment, sequence: Math.round(CLIENT_ISN + 1 + bytes) % NUMBERS };
}
