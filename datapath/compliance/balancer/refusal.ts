/** SYNs that cannot become sessions: each reason by name, as RST or silently, and recovery from it. */
import { toa } from '../../../packet/index.ts';
import type { EventType } from '../../binding/contract.ts';
import type { Verdict } from '../../binding/verdicts.ts';
import type { AdmissionRow, BalancerTables, RateRow } from '../../model/index.ts';
import {
  answerToClient,
  fromClient,
  LOCAL_ADDRESS,
  OTHER_CLIENT,
  toBackend,
  WEB,
} from '../network.ts';
import { dropped, fromFront, reconfigure, sent, type Row, type Step } from '../row.ts';
import { WEB_LISTENER, WEB_TABLES, webWith } from '../tables.ts';
import {
  ANSWERED,
  CLIENT_FIN,
  CLOSED,
  ESTABLISHED,
  OPENED,
  SYN,
  SYN_OPTIONS,
  up,
  type Segment,
} from './conversation.ts';
import { answered } from './answers.ts';

interface Reason {
  readonly name: string;
  readonly given: Partial<BalancerTables>;
  readonly before: readonly Step<BalancerTables>[];
  readonly reset: Verdict;
  readonly drop: Verdict;
  readonly event?: EventType;
}

const otherSyn: Segment = { ...SYN, from: OTHER_CLIENT };
const pool = WEB_TABLES.pools.slice(0, 1);
/** One, and for a long time no other. */
const SLOW: RateRow = { everySeconds: 1_000, burst: 1 };
const admitting = (admission: AdmissionRow) => webWith({ admission });

const REASONS: readonly Reason[] = [
  {
    name: 'a pool without backends',
    given: { pools: pool.map((one) => ({ ...one, schedule: [] })) },
    before: [],
    reset: 'reset-no-backend',
    drop: 'drop-no-backend',
    event: 'no-backend',
  },
  {
    name: 'a backend that is not there',
    given: { pools: pool.map((one) => ({ ...one, schedule: [5] })) },
    before: [],
    reset: 'reset-no-backend',
    drop: 'drop-no-backend',
    event: 'no-backend',
  },
  {
    name: 'a local whose ports are all in use',
    given: {},
    before: ESTABLISHED,
    reset: 'reset-no-local-port',
    drop: 'drop-no-local-port',
    event: 'no-local-port',
  },
  {
    name: 'a pool without locals',
    given: { pools: pool.map((one) => ({ ...one, locals: { first: 0, count: 0 } })) },
    before: [],
    reset: 'reset-no-local-port',
    drop: 'drop-no-local-port',
    event: 'no-local-port',
  },
  {
    name: 'a full table of established sessions',
    given: { sessionCapacity: 1 },
    before: ESTABLISHED,
    reset: 'reset-table-full',
    drop: 'drop-table-full',
    event: 'table-full',
  },
  {
    name: 'a listener at its limit',
    given: { listeners: [{ ...WEB_LISTENER, sessionsMax: 1 }] },
    before: OPENED,
    reset: 'reset-listener-limit',
    drop: 'drop-listener-limit',
    event: 'listener-limit',
  },
  {
    name: 'a client that the access list denies',
    given: admitting({ access: { '0.0.0.0/0': 'allow', '10.0.88.101/32': 'deny' } }),
    before: [],
    reset: 'reset-denied',
    drop: 'drop-denied',
  },
  {
    name: 'a listener at its rate',
    given: admitting({ rate: SLOW }),
    before: OPENED,
    reset: 'reset-listener-rate',
    drop: 'drop-listener-rate',
    event: 'listener-rate',
  },
  {
    name: 'a client at its rate',
    given: admitting({ client: { bits: 24, rate: SLOW } }),
    before: OPENED,
    reset: 'reset-client-rate',
    drop: 'drop-client-rate',
    event: 'client-limit',
  },
  {
    name: 'a client with all its sessions',
    given: admitting({ client: { bits: 24, sessionsMax: 1 } }),
    before: ESTABLISHED,
    reset: 'reset-client-limit',
    drop: 'drop-client-limit',
    event: 'client-limit',
  },
  {
    name: 'a client with all its half-open sessions',
    given: admitting({ client: { bits: 24, openingMax: 1 } }),
    before: ANSWERED,
    reset: 'reset-client-opening',
    drop: 'drop-client-opening',
    event: 'client-limit',
  },
  {
    name: 'a pool whose backends all have their most',
    given: { backendLimits: [1] },
    before: ESTABLISHED,
    reset: 'reset-backend-limit',
    drop: 'drop-backend-limit',
    event: 'backend-limit',
  },
];

const refusals = REASONS.flatMap(({ name, given, before, reset, drop, event }) => {
  const events = event ? [{ type: event, subject: `${OTHER_CLIENT}>${WEB}` }] : [];
  const frame = fromClient({ ...otherSyn, payload: 'abc' });
  const answer = answerToClient({ flags: 'RA', to: OTHER_CLIENT, acknowledgment: 1004 });
  const [listener] = given.listeners ?? [WEB_LISTENER];
  const silent = {
    ...given,
    listeners: [{ ...(listener ?? WEB_LISTENER), onRefused: 'drop' as const }],
  };
  return [
    {
      name: `${name}: a SYN is answered with RST, data in it acknowledged`,
      given,
      steps: [...before, fromFront(frame, sent(reset, answer))],
      after: { events },
    },
    {
      name: `${name}: a SYN is dropped where the listener says onRefused: drop`,
      given: silent,
      steps: [...before, fromFront(frame, dropped(drop))],
      after: { events },
    },
    {
      name: `${name}: a SYN is answered with ICMP 3/13 where the listener says onRefused: icmp`,
      given: {
        ...given,
        listeners: [{ ...(listener ?? WEB_LISTENER), onRefused: 'icmp' as const }],
      },
      steps: [...before, fromFront(frame, answered('prohibited', 'front', frame))],
      after: { events },
    },
    {
      name: `${name}: an event a second at most`,
      given: silent,
      steps: [...before, fromFront(frame, dropped(drop)), fromFront(frame, dropped(drop))],
      after: { events },
    },
  ] satisfies Row<BalancerTables>[];
});

/** The other client's SYN gets the one local port. */
const otherOpens = (...notes: 'opening-evicted'[]) =>
  fromFront<BalancerTables>(
    fromClient(otherSyn),
    sent(
      'to-backend',
      toBackend({ ...SYN, options: [toa(OTHER_CLIENT), ...SYN_OPTIONS] }),
      ...notes,
    ),
  );
const otherFindsNoPort = fromFront<BalancerTables>(
  fromClient(otherSyn),
  sent(
    'reset-no-local-port',
    answerToClient({ flags: 'RA', to: OTHER_CLIENT, acknowledgment: 1001 }),
  ),
);
const otherSession = { state: 'opening', front: `${OTHER_CLIENT}>${WEB}` } as const;

export const refusalRows: readonly Row<BalancerTables>[] = [
  ...refusals,
  {
    name: 'a SYN that was refused for want of a backend succeeds when there is one again',
    given: { pools: pool.map((one) => ({ ...one, schedule: [] })) },
    steps: [
      fromFront(
        fromClient(otherSyn),
        sent(
          'reset-no-backend',
          answerToClient({ flags: 'RA', to: OTHER_CLIENT, acknowledgment: 1001 }),
        ),
      ),
      reconfigure({ pools: pool }),
      otherOpens(),
    ],
    after: { sessions: [otherSession] },
  },
  {
    name: 'a half-open session gives way when the table is full',
    given: { sessionCapacity: 1 },
    steps: [...OPENED, otherOpens('opening-evicted')],
    after: { sessions: [otherSession], evicted: 1 },
  },
  {
    name: 'a half-open session gives way at the half-open limit',
    given: { openingMax: 1 },
    steps: [...OPENED, otherOpens('opening-evicted')],
    after: { sessions: [otherSession], evicted: 1 },
  },
  {
    name: 'what gave way has no session any more',
    given: { sessionCapacity: 1, locals: [{ address: '10.0.124.161', ports: [5004, 5004] }] },
    steps: [
      ...OPENED,
      otherOpens('opening-evicted'),
      fromFront(
        fromClient({ flags: 'A', acknowledgment: 5001 }),
        sent('reset-unknown', answerToClient({ flags: 'R', sequence: 5001 })),
      ),
    ],
  },
  {
    name: 'a session that closes counts for the listener’s limit until both sides have closed',
    given: { listeners: [{ ...WEB_LISTENER, sessionsMax: 1 }] },
    steps: [
      ...ESTABLISHED,
      up(CLIENT_FIN),
      fromFront(
        fromClient(otherSyn),
        sent(
          'reset-listener-limit',
          answerToClient({ flags: 'RA', to: OTHER_CLIENT, acknowledgment: 1001 }),
        ),
      ),
    ],
    after: { sessions: [{ state: 'closing' }] },
  },
  {
    name: 'a session that rests is not taken up again beyond the listener’s limit',
    given: { listeners: [{ ...WEB_LISTENER, sessionsMax: 1 }] },
    steps: [
      ...CLOSED,
      reconfigure({ locals: [{ address: LOCAL_ADDRESS, ports: [6000, 6000] }] }),
      fromFront(
        fromClient(otherSyn),
        sent(
          'to-backend',
          toBackend({
            ...SYN,
            from: `${LOCAL_ADDRESS}:6000`,
            options: [toa(OTHER_CLIENT), ...SYN_OPTIONS],
          }),
        ),
      ),
      fromFront(
        fromClient(SYN),
        sent('reset-listener-limit', answerToClient({ flags: 'RA', acknowledgment: 1001 })),
      ),
    ],
    after: { sessions: [{ state: 'time-wait' }, { state: 'opening' }] },
  },
  {
    name: 'SYNs that find no local port leave no trace in the table, however many they are',
    given: { sessionCapacity: 2 },
    steps: [...OPENED, otherFindsNoPort, otherFindsNoPort, otherFindsNoPort],
    after: { sessions: [{ state: 'opening' }], evicted: 0 },
  },
  {
    name: 'a refusal by ICMP of what is no host’s address is silent, and counted by its reason',
    given: {
      pools: pool.map((one) => ({ ...one, schedule: [] })),
      listeners: [{ ...WEB_LISTENER, onRefused: 'icmp' }],
    },
    steps: ['254.0.88.100:21521', '127.0.0.1:21521', '0.1.2.3:21521'].map((from) =>
      fromFront(fromClient({ ...SYN, from }), dropped('drop-no-backend')),
    ),
  },
  {
    name: 'backends that are taken out of the pool keep their sessions',
    steps: [
      ...ESTABLISHED,
      reconfigure({ pools: pool.map((one) => ({ ...one, schedule: [] })) }),
      up(CLIENT_FIN),
    ],
    after: { sessions: [{ state: 'closing' }] },
  },
  {
    name: 'a listener that refers to no pool drops, and says that it is our fault',
    given: { listeners: [{ ...WEB_LISTENER, pool: 99_999 }] },
    steps: [fromFront(fromClient(SYN), dropped('drop-internal'))],
    after: { sessions: [] },
  },
];
