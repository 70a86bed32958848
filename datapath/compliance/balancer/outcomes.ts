/** What is counted of a connection's fate: that its server answered, and who reset it. */
import type { BalancerTables } from '../../model/index.ts';
import { elapse, type Row } from '../row.ts';
import {
  CLIENT_DATA,
  CLIENT_ISN,
  CLIENT_RST,
  CLOSED,
  down,
  ESTABLISHED,
  OPENED,
  SERVER_ISN,
  SERVER_RST,
  SYN,
  SYN_ACK,
  up,
  upWithToa,
} from './conversation.ts';

type Steps = Row<BalancerTables>['steps'];

const NONE = { answered: 0, resetsClient: 0, resetsServer: 0 };

const ROWS: readonly (readonly [string, Steps, Partial<typeof NONE>])[] = [
  ['a SYN without an answer is none', OPENED, {}],
  ['an answer that comes twice is one', [...OPENED, down(SYN_ACK), down(SYN_ACK)], { answered: 1 }],
  [
    'a SYN that had to come twice is answered once',
    [...OPENED, elapse(1), upWithToa(SYN), down(SYN_ACK)],
    { answered: 1 },
  ],
  [
    'a server that refuses does not answer',
    [...OPENED, down({ flags: 'RA', sequence: 0, acknowledgment: CLIENT_ISN + 1 })],
    { resetsServer: 1 },
  ],
  [
    "the client's RST is counted once",
    [...ESTABLISHED, up(CLIENT_RST), up(CLIENT_RST)],
    { answered: 1, resetsClient: 1 },
  ],
  ["the server's RST", [...ESTABLISHED, down(SERVER_RST)], { answered: 1, resetsServer: 1 }],
  [
    'a RST that is not believed',
    [...ESTABLISHED, down({ ...SERVER_RST, sequence: SERVER_ISN - 1 }, 'reset-not-believed')],
    { answered: 1 },
  ],
  ['a RST after the end', [...CLOSED, up(CLIENT_RST)], { answered: 1 }],
  ['data is neither', [...ESTABLISHED, up(CLIENT_DATA)], { answered: 1 }],
];

export const outcomeRows: readonly Row<BalancerTables>[] = ROWS.map(([name, steps, counts]) => ({
  name: `outcomes: ${name}`,
  steps,
  after: { outcomes: [{ ...NONE, ...counts }, ...Array.from({ length: 7 }, () => NONE)] },
}));
