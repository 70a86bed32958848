/** A local port that was used before: its own connection again, or another client's. */
import type { AgentTables } from '../../model/index.ts';
import {
  ACK,
  CLIENT_DATA,
  CLIENT_FIN,
  SERVER_DATA,
  SERVER_FIN,
  SYN,
  SYN_ACK,
} from '../balancer/conversation.ts';
import { BACKEND, CLIENT, fromBalancer, fromServer, LOCAL, OTHER_CLIENT } from '../network.ts';
import { dropped, fromBack, fromFront, passed, rewritten, type Row } from '../row.ts';
import { keptLocal, localAnswers, MAPPED, OTHER_LOCAL, policy } from './contest.ts';
import {
  DIRECT,
  kept,
  RESTORED,
  restoredDown,
  restoredSyn,
  restoredUp,
  SYN_BLANKED,
  synFor,
  type AgentStep,
} from './conversation.ts';

const closedRows = (['remap', 'local', 'drop'] as const).flatMap(
  (onCollision): Row<AgentTables>[] => {
    const localClosed: readonly AgentStep[] = [
      localAnswers(SYN_ACK),
      fromFront(fromBalancer(CLIENT_FIN), kept),
      localAnswers(SERVER_FIN),
    ];
    return [
      {
        name: `${onCollision}: a SYN without TOA on its own resting tuple takes it up again`,
        given: policy(onCollision),
        steps: [
          fromFront(fromBalancer(SYN), { ...kept, notes: ['toa-missing'] }),
          ...localClosed,
          fromFront(fromBalancer(SYN), { ...kept, notes: ['reopened'] }),
        ],
        after: { sessions: [{ kind: 'kept', back: `${BACKEND}>${LOCAL}` }], events: [] },
      },
      {
        name: `${onCollision}: a server that calls its own listener again from a resting port can`,
        given: policy(onCollision),
        steps: [
          fromFront(
            fromBalancer(synFor('10.0.98.79:4000')),
            rewritten('kept', fromBalancer(SYN_BLANKED), 'toa-stripped', 'hairpin'),
          ),
          ...localClosed,
          fromFront(
            fromBalancer(synFor('10.0.98.79:4000')),
            rewritten('kept', fromBalancer(SYN_BLANKED), 'toa-stripped', 'hairpin'),
          ),
        ],
        after: { sessions: [{ kind: 'kept', back: `${BACKEND}>${LOCAL}` }], events: [] },
      },
      {
        name: `${onCollision}: a SYN with TOA on a resting tuple that was kept is restored`,
        given: policy(onCollision),
        steps: [
          fromFront(fromBalancer(SYN), { ...kept, notes: ['toa-missing'] }),
          ...localClosed,
          restoredSyn(),
        ],
      },
    ];
  },
);

/** The server's answer went to the client; this is something else. */
const pastTheSession = fromBack<AgentTables>(fromServer({ ...SERVER_DATA, to: LOCAL }), passed);

export const againRows: readonly Row<AgentTables>[] = [
  ...closedRows,
  {
    name: 'local: a local port that rests after a collision may be used for another one',
    given: policy('local'),
    steps: [
      ...DIRECT,
      ...keptLocal,
      localAnswers(SYN_ACK),
      fromFront(fromBalancer(CLIENT_FIN), kept),
      localAnswers(SERVER_FIN),
      fromFront(
        fromBalancer(synFor(CLIENT)),
        rewritten('kept', fromBalancer(SYN_BLANKED), 'toa-stripped', 'collision-local'),
      ),
    ],
    after: {
      sessions: [
        { kind: 'direct' },
        { state: 'opening', kind: 'kept', back: `${BACKEND}>${LOCAL}` },
      ],
    },
  },
  {
    name: 'a local port that the balancer gave to another client is that client’s',
    steps: [
      ...RESTORED,
      restoredSyn(OTHER_CLIENT),
      restoredDown(SYN_ACK, { to: OTHER_CLIENT }),
      restoredUp(ACK, { from: OTHER_CLIENT }),
    ],
    after: {
      sessions: [
        { state: 'time-wait', back: `${BACKEND}>${CLIENT}` },
        { state: 'established', back: `${BACKEND}>${OTHER_CLIENT}` },
      ],
    },
  },
  {
    name: 'what the server still sends to the former client of a local port does not reach the new one',
    steps: [
      ...RESTORED,
      restoredSyn(OTHER_CLIENT),
      fromBack(fromServer(SERVER_DATA), dropped('drop-stale')),
      fromBack(fromServer(SERVER_FIN), dropped('drop-stale')),
    ],
  },
  {
    name: 'a server that speaks to the local itself, past the session, gets no tuple of its own',
    steps: [...RESTORED, pastTheSession, pastTheSession, restoredUp(CLIENT_DATA)],
    after: { sessions: [{ kind: 'restored', state: 'established' }] },
  },
  {
    name: 'the former client’s tuple is still its own when it comes by another local port',
    given: policy('remap'),
    steps: [
      ...RESTORED,
      restoredSyn(OTHER_CLIENT),
      fromFront(
        fromBalancer({ ...synFor(CLIENT), from: OTHER_LOCAL }),
        rewritten(
          'to-backend',
          fromBalancer({ ...SYN_BLANKED, from: MAPPED }),
          'toa-stripped',
          'collision-remapped',
        ),
      ),
    ],
  },
];
