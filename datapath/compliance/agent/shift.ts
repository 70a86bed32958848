/** A port of the remap range that rests goes to another connection: its numbers go on from the last ones. */
import { mss, nop, sack, timestamps, toa, type TcpOption } from '../../../packet/index.ts';
import type { AgentTables } from '../../model/index.ts';
import { SYN } from '../balancer/conversation.ts';
import { BACKEND, direct, fromBalancer, fromServer, restored, toBalancer } from '../network.ts';
import { elapse, fromBack, fromFront, rewritten, type Row } from '../row.ts';
import { BLANKED, directUp, type AgentStep } from './conversation.ts';

/** One client address, whose clock towards the listener is not the one towards the server. */
const ADDRESS = '10.0.88.100';
const OWNERS = [`${ADDRESS}:21521`, `${ADDRESS}:21522`] as const;
const LOCALS = ['10.0.124.161:5004', '10.0.124.162:6000'] as const;
/** The only port of the range. */
const SEEN = `${ADDRESS}:10000`;

interface Numbers {
  readonly isn: number;
  /** None: without time stamps. */
  readonly time?: number;
}
const FIRST = { isn: 5_000_000, time: 900_000 };
const EARLIER = { isn: 1000, time: 7 };
const LATER = { isn: 1000, time: 900_500 };
const SERVER_ISN = 7000;
const NONE = { sequence: 0, time: 0 };

const onePort: Partial<AgentTables> = {
  servers: [{ at: BACKEND, onCollision: 'remap', remap: [10_000, 10_000] }],
};

export const shiftRows: readonly Row<AgentTables>[] = [
  {
    name: 'who says an earlier time is moved beyond the last one',
    given: onePort,
    steps: takenOver(FIRST, EARLIER, { sequence: 0, time: FIRST.time + 1 - EARLIER.time }),
    after: { ports: { '0/0': { allocated: 2, reused: 1, inUse: 1, resting: 0, failed: 0 } } },
  },
  {
    name: 'who says a later time is left as it is',
    given: onePort,
    steps: takenOver(FIRST, LATER, { sequence: 0, time: 0 }),
  },
  {
    name: 'a direct connection that gets its own port from one that rests is moved both ways',
    given: onePort,
    steps: [
      fromFront(
        fromBalancer({ ...syn(FIRST, [toa(SEEN)]), from: LOCALS[0] }),
        rewritten('to-backend', restored({ ...syn(FIRST, BLANKED), from: SEEN }), 'toa-stripped'),
      ),
      down(FIRST, 0, NONE, { flags: 'SA', sequence: SERVER_ISN }),
      up(FIRST, 0, NONE, { flags: 'A' }),
      up(FIRST, 0, NONE, { flags: 'FA' }),
      down(FIRST, 0, NONE, { flags: 'FA' }),
      elapse(2),
      fromFront(
        direct({ ...syn(EARLIER), from: SEEN }),
        rewritten(
          'to-backend',
          direct({ ...syn({ ...EARLIER, time: FIRST.time + 1 }), from: SEEN }),
          ...(['collision-remapped', 'reused'] as const),
        ),
      ),
      fromBack(
        fromServer({ ...answerTo(FIRST.time + 1), to: SEEN }),
        rewritten('to-client', fromServer({ ...answerTo(EARLIER.time), to: SEEN })),
      ),
    ],
  },
  {
    name: 'without time stamps a later sequence is left as it is',
    given: onePort,
    steps: takenOver({ isn: 1000 }, { isn: 90_000 }, { sequence: 0, time: 0 }),
  },
  {
    name: 'a port that is in use, or was a moment ago, is not taken: the local is kept',
    given: onePort,
    steps: [
      ...connection(FIRST, 0, NONE),
      directUp({ ...syn(EARLIER), from: OWNERS[1] }),
      fromFront(
        fromBalancer({ ...syn(EARLIER, [toa(OWNERS[1])]), from: LOCALS[1] }),
        rewritten(
          'kept',
          fromBalancer({ ...syn(EARLIER, BLANKED), from: LOCALS[1] }),
          ...(['toa-stripped', 'remap-exhausted', 'collision-local'] as const),
        ),
      ),
    ],
  },
];

/** A remapped connection ends, rests, and another one gets its port. */
function takenOver(first: Numbers, second: Numbers, shift: typeof NONE): AgentStep[] {
  return [...connection(first, 0, NONE), elapse(2), ...opened(second, 1, shift, 'reused')];
}

/** From a collision to both FINs. */
function connection(numbers: Numbers, which: 0 | 1, shift: typeof NONE): AgentStep[] {
  return [
    ...opened(numbers, which, shift),
    up(numbers, which, shift, { flags: 'FA' }),
    down(numbers, which, shift, { flags: 'FA' }),
  ];
}

/** A direct connection owns the tuple; the balanced one is seen with the port of the range. */
function opened(
  numbers: Numbers,
  which: 0 | 1,
  shift: typeof NONE,
  ...notes: 'reused'[]
): AgentStep[] {
  const seen = syn(moved(numbers, shift), BLANKED);
  return [
    directUp({ ...SYN, from: OWNERS[which] }),
    fromFront(
      fromBalancer({ ...syn(numbers, [toa(OWNERS[which])]), from: LOCALS[which] }),
      rewritten(
        'to-backend',
        restored({ ...seen, from: SEEN }),
        ...(['toa-stripped', 'collision-remapped'] as const),
        ...notes,
      ),
    ),
    down(numbers, which, shift, { flags: 'SA', sequence: SERVER_ISN }),
    up(numbers, which, shift, { flags: 'A' }),
    up(numbers, which, shift, { flags: 'PA', payload: 'some words' }),
    down(numbers, which, shift, { flags: 'A', options: [nop, nop, sack([1, 2])] }),
  ];
}

type Words = { flags: string; sequence?: number; payload?: string; options?: TcpOption[] };

function up(numbers: Numbers, which: 0 | 1, shift: typeof NONE, words: Words): AgentStep {
  const say = ({ isn, time }: Numbers) => ({
    ...{ sequence: isn + 1, acknowledgment: SERVER_ISN + 1 },
    ...words,
    options: [...(words.options ?? []), ...stamped(time, 77)],
  });
  return fromFront(
    fromBalancer({ ...say(numbers), from: LOCALS[which] }),
    rewritten('to-backend', restored({ ...say(moved(numbers, shift)), from: SEEN })),
  );
}

/** SACK edges are the client's numbers: in these rows only time is moved. */
function down(numbers: Numbers, which: 0 | 1, shift: typeof NONE, words: Words): AgentStep {
  const say = ({ isn, time }: Numbers) => ({
    ...{ sequence: SERVER_ISN + 1, acknowledgment: isn + 1 },
    ...words,
    options: [...(words.options ?? []), ...(time === undefined ? [] : stamped(88, time))],
  });
  return fromBack(
    fromServer({ ...say(moved(numbers, shift)), to: SEEN }),
    rewritten('to-client', toBalancer({ ...say(numbers), to: LOCALS[which] })),
  );
}

/** The server's SYN+ACK for `EARLIER`. */
function answerTo(time: number) {
  const acknowledgment = EARLIER.isn + 1;
  return { flags: 'SA', sequence: SERVER_ISN, acknowledgment, options: stamped(88, time) };
}

function syn({ isn, time }: Numbers, before: readonly TcpOption[] = []) {
  return { flags: 'S', sequence: isn, options: [...before, mss(1460), ...stamped(time, 0)] };
}

function moved({ isn, time }: Numbers, shift: typeof NONE): Numbers {
  return time === undefined
    ? { isn: isn + shift.sequence }
    : { isn: isn + shift.sequence, time: time + shift.time };
}

function stamped(value: number | undefined, echo: number): TcpOption[] {
  return value === undefined ? [] : [nop, nop, timestamps(value, echo)];
}
