/** Sessions whose backend is drained, removed or down: they go on, and are reset when they are over. */
import type { BalancerTables } from '../../model/index.ts';
import {
  answerToClient,
  BACKEND,
  BACK_MAC,
  fromBackend,
  fromClient,
  LOCAL,
  OTHER_BACKEND,
  SERVER_MAC,
  toBackend,
} from '../network.ts';
import { elapse, fromBack, fromFront, reconfigure, sent, type Row } from '../row.ts';
import { WEB_TABLES } from '../tables.ts';
import { toa, tcp } from '../../../packet/index.ts';
import {
  CLIENT_DATA,
  CLIENT_RST,
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

const [POOL] = WEB_TABLES.pools;
const TWO: Partial<BalancerTables> = { backends: [BACKEND, OTHER_BACKEND] };
const ELSEWHERE: Partial<BalancerTables> = {
  ...(POOL === undefined ? {} : { pools: [{ ...POOL, schedule: [1] }] }),
};
const OVER: Partial<BalancerTables> = { ...ELSEWHERE, ended: [0] };
/** What the other end has been told so far does not count. */
const SECOND_LATER = elapse<BalancerTables>(1.5);

export const endRows: readonly Row<BalancerTables>[] = [
  {
    name: 'a session of a backend that is out goes on',
    given: TWO,
    steps: [
      ...ESTABLISHED,
      reconfigure(ELSEWHERE),
      SECOND_LATER,
      up(CLIENT_DATA),
      down(SERVER_DATA),
    ],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'when it is over, each end hears a RST with the number that it waits for',
    given: TWO,
    steps: [
      ...[...ESTABLISHED, reconfigure(OVER), SECOND_LATER],
      resetToClient(CLIENT_DATA),
      resetToBackend(SERVER_DATA),
    ],
    after: { sessions: [{ state: 'reset' }] },
  },
  {
    name: 'what is sent again is answered again, while the session rests',
    given: TWO,
    steps: [
      ...[...ESTABLISHED, reconfigure(OVER), SECOND_LATER],
      resetToClient(CLIENT_DATA),
      resetToClient(CLIENT_DATA),
      elapse(5),
      resetToBackend(SERVER_DATA),
    ],
  },
  {
    name: 'a RST of one end goes on to the other',
    given: TWO,
    steps: [...ESTABLISHED, reconfigure(OVER), SECOND_LATER, up(CLIENT_RST)],
    after: { sessions: [{ state: 'reset' }] },
  },
  {
    name: 'a busy session hears of it within a second',
    given: TWO,
    steps: [...ESTABLISHED, up(CLIENT_DATA), reconfigure(OVER), up(CLIENT_DATA)],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'a backend that is back before they were told keeps its sessions',
    given: TWO,
    steps: [
      ...[...ESTABLISHED, reconfigure(OVER), reconfigure(WEB_TABLES), SECOND_LATER],
      ...[up(CLIENT_DATA), down(SERVER_DATA)],
    ],
    after: { sessions: [{ state: 'established' }] },
  },
  {
    name: 'a SYN sent again goes elsewhere when its backend has gone out of use meanwhile',
    given: TWO,
    steps: [
      upWithToa(SYN),
      reconfigure(ELSEWHERE),
      elapse(1.5),
      fromFront(
        fromClient(SYN),
        sent(
          'to-backend',
          toBackend({
            ...SYN,
            to: OTHER_BACKEND,
            options: [toa('10.0.88.100:21521'), ...SYN_OPTIONS],
          }),
        ),
      ),
    ],
    after: { sessions: [{ state: 'opening' }] },
  },
  {
    name: 'a SYN sent again, or a RST for an answer, is trouble of the backend',
    steps: [
      ...OPENED,
      upWithToa(SYN),
      elapse(1.5),
      upWithToa(SYN),
      down({ flags: 'RA', acknowledgment: (SYN.sequence ?? 0) + 1 }),
    ],
    after: { trouble: { 0: { unanswered: 1, refused: 1 } } },
  },
];

function resetToClient(segment: Segment) {
  return fromFront<BalancerTables>(
    fromClient(segment),
    sent('reset-ended', answerToClient({ flags: 'R', sequence: segment.acknowledgment ?? 0 })),
  );
}

function resetToBackend(segment: Segment) {
  const frame = tcp({
    ...{ ethernet: { source: BACK_MAC, destination: SERVER_MAC }, from: LOCAL, to: BACKEND },
    ...{ ttl: 64, window: 0, flags: 'R', sequence: segment.acknowledgment ?? 0 },
  });
  return fromBack<BalancerTables>(fromBackend(segment), sent('reset-ended', frame));
}
