/** Two connections want one tuple at the server: neither loses, unless the policy says so. */
import type { CollisionPolicy } from '../../binding/contract.ts';
import type { AgentTables } from '../data-path.ts';
import {
  ACK,
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
import { SERVER } from '../tables.ts';
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
  type AgentStep,
} from './conversation.ts';

/** The only port of the remap range, so that rows know it. */
const MAPPED = '10.0.88.100:10000';
const OTHER_LOCAL = '10.0.124.161:5005';
const ORDERS = { open: [DIRECT, RESTORED], resting: [DIRECT_CLOSED, RESTORED_CLOSED] } as const;

function policy(onCollision: CollisionPolicy): Partial<AgentTables> {
  return { servers: [{ ...SERVER, onCollision, remap: [10_000, 10_000] }] };
}

/** A direct connection that the server sees as `MAPPED`. */
const mappedDirect: readonly AgentStep[] = [
  fromFront(
    direct(SYN),
    rewritten('to-backend', direct({ ...SYN, from: MAPPED }), 'collision-remapped'),
  ),
  fromBack(fromServer({ ...SYN_ACK, to: MAPPED }), rewritten('to-client', fromServer(SYN_ACK))),
  fromFront(direct(ACK), rewritten('to-backend', direct({ ...ACK, from: MAPPED }))),
];
/** A balanced one. */
const mappedRestored: readonly AgentStep[] = [
  restoredSyn(CLIENT, { from: MAPPED }, 'collision-remapped'),
  restoredDown(SYN_ACK, { to: MAPPED }),
  restoredUp(ACK, { from: MAPPED }),
];
const keptLocal: readonly AgentStep[] = [
  fromFront(
    fromBalancer(synFor(CLIENT)),
    rewritten('kept', fromBalancer(SYN_BLANKED), 'toa-stripped', 'collision-local'),
  ),
];
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

/** The same connection of the local again, once the first rests: no other one is involved. */
const againRows = (['remap', 'local', 'drop'] as const).flatMap(
  (onCollision): Row<AgentTables>[] => {
    const localClosed: readonly AgentStep[] = [
      fromFront(fromBalancer(CLIENT_FIN), kept),
      fromBack(
        fromServer({ ...SERVER_FIN, to: LOCAL }),
        rewritten(
          'kept',
          fromServer({
            ...SERVER_FIN,
            to: LOCAL,
            ethernet: { source: '02:00:00:00:98:4f', destination: '02:00:00:00:98:01' },
          }),
        ),
      ),
    ];
    return [
      {
        name: `${onCollision}: a SYN without TOA on its own resting tuple takes it up again`,
        given: policy(onCollision),
        steps: [
          fromFront(fromBalancer(SYN), { ...kept, notes: ['toa-missing'] }),
          ...localClosed,
          fromFront(fromBalancer(SYN), { ...kept, notes: ['reopened', 'toa-missing'] }),
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
            fromBalancer(synFor('10.0.98.79:4001')),
            rewritten('kept', fromBalancer(SYN_BLANKED), 'toa-stripped', 'hairpin', 'reopened'),
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

export const collisionRows: readonly Row<AgentTables>[] = [
  ...orderRows,
  ...againRows,
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
    steps: [
      ...DIRECT,
      ...keptLocal,
      fromBack(
        fromServer({ ...SYN_ACK, to: LOCAL }),
        rewritten(
          'kept',
          fromServer({
            ...SYN_ACK,
            to: LOCAL,
            ethernet: { source: '02:00:00:00:98:4f', destination: '02:00:00:00:98:01' },
          }),
        ),
      ),
      directUp(CLIENT_DATA),
    ],
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
