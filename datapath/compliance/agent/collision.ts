/** Two connections want one tuple at the server: neither loses, unless the policy says so. */

import type { AgentTables } from '../../model/index.ts';
import {
  CLIENT_DATA,
  CLIENT_FIN,
  SERVER_DATA,
  SERVER_FIN,
  SYN,
  SYN_ACK,
} from '../balancer/conversation.ts';
import {
  BACKEND,
  CLIENT,
  direct,
  fromBalancer,
  fromServer,
  LOCAL,
  OTHER_CLIENT,
} from '../network.ts';
import { dropped, fromBack, fromFront, rewritten, type Row } from '../row.ts';

import {
  policy,
  MAPPED,
  OTHER_LOCAL,
  keptLocal,
  localAnswers,
  mappedDirect,
  mappedRestored,
} from './contest.ts';
import {
  DIRECT,
  DIRECT_CLOSED,
  directDown,
  directUp,
  kept,
  RESTORED,
  RESTORED_CLOSED,
  restoredDown,
  restoredSyn,
  restoredUp,
  SYN_BLANKED,
  synFor,
} from './conversation.ts';

const ORDERS = { open: [DIRECT, RESTORED], resting: [DIRECT_CLOSED, RESTORED_CLOSED] } as const;

const subject = `${LOCAL}>${BACKEND}`;
const directTuple = `${CLIENT}>${BACKEND}`;
const visible = `${BACKEND}>${CLIENT}`;
const collision = { type: 'collision', visible } as const;

const orderRows = (['open', 'resting'] as const).flatMap((owner): Row<AgentTables>[] => {
  const [directFirst, restoredFirst] = ORDERS[owner];
  return [
    {
      name: `remap: a balanced connection beside an ${owner} direct one gets another port`,
      given: policy('remap'),
      steps: [...directFirst, ...mappedRestored],
      after: {
        events: [
          {
            ...collision,
            subject,
            owner: directTuple,
            visiblePort: 10_000,
            action: 'remapped',
            ownerKind: 'direct',
            subjectKind: 'restored',
          },
        ],
        ports: { '0/0': { allocated: 1, inUse: 1, resting: 0, failed: 0 } },
      },
    },
    {
      name: `remap: a direct connection beside an ${owner} balanced one gets another port`,
      given: policy('remap'),
      steps: [...restoredFirst, ...mappedDirect],
      after: {
        events: [
          {
            ...collision,
            subject: directTuple,
            owner: subject,
            visiblePort: 10_000,
            action: 'remapped',
            ownerKind: 'restored',
            subjectKind: 'direct',
          },
        ],
      },
    },
    {
      name: `local: a balanced connection beside an ${owner} direct one stays the local’s`,
      given: policy('local'),
      steps: [...directFirst, ...keptLocal],
      after: {
        events: [
          {
            ...collision,
            subject,
            owner: directTuple,
            visiblePort: 5004,
            action: 'kept-local',
            ownerKind: 'direct',
          },
        ],
      },
    },
    {
      name: `local: a direct connection beside an ${owner} balanced one gets another port, having no local`,
      given: policy('local'),
      steps: [...restoredFirst, ...mappedDirect],
      after: { events: [{ ...collision, subject: directTuple, action: 'remapped' }] },
    },
    {
      name: `drop: a balanced SYN beside an ${owner} direct one is dropped`,
      given: policy('drop'),
      steps: [
        ...directFirst,
        fromFront(
          fromBalancer(synFor(CLIENT)),
          dropped('drop-collision', 'toa-stripped', 'collision-dropped'),
        ),
      ],
      after: {
        sessions: [{ kind: 'direct' }],
        events: [{ ...collision, subject, owner: directTuple, action: 'dropped' }],
      },
    },
    {
      name: `drop: a direct SYN beside an ${owner} balanced one is dropped`,
      given: policy('drop'),
      steps: [
        ...restoredFirst,
        fromFront(direct(SYN), dropped('drop-collision', 'collision-dropped')),
      ],
      after: {
        sessions: [{ kind: 'restored' }],
        events: [{ ...collision, subject: directTuple, action: 'dropped' }],
      },
    },
  ];
});

export const collisionRows: readonly Row<AgentTables>[] = [
  ...orderRows,
  {
    name: 'remap: both connections go on, each by itself',
    given: policy('remap'),
    steps: [
      ...DIRECT,
      ...mappedRestored,
      directUp(CLIENT_DATA),
      restoredUp({ ...CLIENT_DATA, payload: 'abc' }, { from: MAPPED }),
      directDown(SERVER_DATA),
      restoredDown({ ...SERVER_DATA, payload: 'abc' }, { to: MAPPED }),
      directUp(CLIENT_FIN),
      restoredUp(CLIENT_DATA, { from: MAPPED }),
    ],
    after: {
      sessions: [
        { state: 'closing', flags: [] },
        { state: 'established', flags: ['remapped'] },
      ],
    },
  },
  {
    name: 'remap: a retransmitted SYN reaches the server from the same other port',
    given: policy('remap'),
    steps: [
      ...DIRECT,
      restoredSyn(CLIENT, { from: MAPPED }, 'collision-remapped'),
      restoredSyn(CLIENT, { from: MAPPED }),
    ],
    after: { events: [collision] },
  },
  {
    name: 'remap: a remapped connection that rests is taken up again on its other port',
    given: policy('remap'),
    steps: [
      ...DIRECT,
      ...mappedRestored,
      restoredUp(CLIENT_FIN, { from: MAPPED }),
      restoredDown(SERVER_FIN, { to: MAPPED }),
      restoredSyn(CLIENT, { from: MAPPED }, 'reopened'),
    ],
    after: { events: [collision] },
  },
  {
    name: 'local: a connection that stays the local’s is answered by way of the balancer',
    given: policy('local'),
    steps: [...DIRECT, ...keptLocal, localAnswers(SYN_ACK), directUp(CLIENT_DATA)],
  },
  {
    name: 'drop: other clients and other ports are not touched',
    given: policy('drop'),
    steps: [
      ...DIRECT,
      restoredSyn(OTHER_CLIENT),
      fromFront(direct({ ...SYN, from: '10.0.88.100:21522' }), kept),
    ],
  },
  {
    name: 'two listeners to one server with the same client port are two connections',
    given: policy('remap'),
    steps: [
      ...RESTORED,
      fromFront(
        fromBalancer({ ...synFor(CLIENT), from: OTHER_LOCAL }),
        rewritten(
          'to-backend',
          fromBalancer({ ...SYN_BLANKED, from: MAPPED }),
          'toa-stripped',
          'collision-remapped',
        ),
      ),
      restoredUp(CLIENT_DATA),
    ],
    after: { sessions: [{ state: 'established' }, { state: 'opening', flags: ['remapped'] }] },
  },
  {
    name: 'a full remap range leaves a balanced connection the local’s',
    given: policy('remap'),
    steps: [
      ...DIRECT,
      ...mappedRestored,
      fromFront(
        fromBalancer({ ...synFor(CLIENT), from: OTHER_LOCAL }),
        rewritten(
          'kept',
          fromBalancer({ ...SYN_BLANKED, from: OTHER_LOCAL }),
          'toa-stripped',
          'remap-exhausted',
          'collision-local',
        ),
      ),
    ],
    after: { ports: { '0/0': { failed: 1, allocated: 1 } } },
  },
  {
    name: 'a full remap range drops a direct SYN',
    given: policy('remap'),
    steps: [
      ...RESTORED,
      fromFront(
        fromBalancer({ ...synFor(CLIENT), from: OTHER_LOCAL }),
        rewritten(
          'to-backend',
          fromBalancer({ ...SYN_BLANKED, from: MAPPED }),
          'toa-stripped',
          'collision-remapped',
        ),
      ),
      fromFront(
        direct(SYN),
        dropped('drop-remap-exhausted', 'remap-exhausted', 'collision-dropped'),
      ),
    ],
  },
  {
    name: 'a tuple that the server holds from before is yielded, and the next SYN gets another port',
    given: policy('remap'),
    steps: [
      restoredSyn(),
      fromBack(
        fromServer({ ...SERVER_DATA, payload: '', flags: 'A', acknowledgment: 77 }),
        dropped('drop-tuple-owned', 'adopted'),
      ),
      ...mappedRestored,
      directUp(CLIENT_DATA),
    ],
    after: {
      sessions: [
        { state: 'established', kind: 'direct', flags: ['adopted'] },
        { state: 'established', kind: 'restored', flags: ['remapped'] },
      ],
    },
  },
  {
    name: 'a challenge on a connection that was taken up again is the ends’ business',
    steps: [
      ...RESTORED_CLOSED,
      restoredSyn(CLIENT, {}, 'reopened'),
      restoredDown({ ...SERVER_DATA, payload: '', flags: 'A', acknowledgment: 77 }),
    ],
  },
  {
    name: 'direct data whose tuple a balanced connection owns is dropped, for it would reach that one',
    steps: [...RESTORED, fromFront(direct(CLIENT_DATA), dropped('drop-stale'))],
  },
];
