/** The laws of SYN cookies: what a client is told, what a backend is told, and who keeps what. */
import assert from 'node:assert/strict';
import {
  icmpError,
  mss,
  nop,
  parseFrame,
  sack,
  sackPermitted,
  timestamps,
  toa,
  toHex,
  verifyChecksums,
  windowScale,
  type TcpHeader,
  type TcpOption,
} from '../../../packet/index.ts';
import type { BalancerTables, DataPath, Note, Outcome, Verdict } from '../../model/index.ts';
import type { Law } from '../law.ts';
import {
  answerToClient,
  CLIENT,
  fromBackend,
  fromClient,
  linkFrom,
  OTHER_CLIENT,
  toBackend,
  toClient,
  WEB,
} from '../network.ts';
import { WEB_LISTENER, WEB_TABLES, webWith } from '../tables.ts';
import { client, noFaults, open, portRange } from './clients.ts';
import { CLIENT_ISN, SERVER_ISN, type Segment } from './conversation.ts';

type Balancer = DataPath<BalancerTables>;

/** What a client can, and a server. */
interface Ability {
  readonly timed: boolean;
  readonly sack: boolean;
  readonly scale: number | undefined;
}
/** What our SYN+ACK told the client. */
interface Told {
  readonly cookie: number;
  readonly time: number;
}

const ALL: Ability = { timed: true, sack: true, scale: 10 };
const CLIENT_TIME = 7_000;
const SERVER_TIME = 900_000;
const WINDOW = 1_000;
const SERVER_WINDOW = 65_160;
const OWN_SCALE = 7;
const ALWAYS = { cookies: { when: 'always', threshold: 1 } } as const;

export const cookieLaws: readonly Law<BalancerTables>[] = [
  ...(
    [
      ['both ends can everything', ALL, ALL],
      ['a client without timestamps gets neither scale nor SACK', { ...ALL, timed: false }, ALL],
      ['a client without window scaling', { ...ALL, scale: undefined }, ALL],
      ['a client without SACK', { ...ALL, sack: false }, ALL],
      ['a server that scales less than was promised', ALL, { ...ALL, scale: 2 }],
      ['a server without window scaling', ALL, { ...ALL, scale: undefined }],
      ['a server without timestamps', ALL, { ...ALL, timed: false }],
    ] as const
  ).map(([name, ofClient, ofServer]): Law<BalancerTables> =>
    law(`a connection by cookie, byte by byte: ${name}`, ALWAYS, (path) => {
      converse(path, ofClient, ofServer);
    }),
  ),
  law('nothing is kept of a SYN', ALWAYS, (path) => {
    for (let i = 0; i < 10; i++) tellCookie(path, { ...ALL, timed: i % 2 === 0 });
    assert.deepEqual(path.state().sessions, []);
  }),
  law('an ACK with another number opens nothing', ALWAYS, (path) => {
    const { cookie } = tellCookie(path, ALL);
    // Its neighbours are the same cookie with another segment size.
    for (const acknowledgment of [cookie + 1_000, cookie - 1_000, 0].map((n) => n >>> 0))
      expect(
        front(path, { flags: 'A', sequence: CLIENT_ISN + 1, acknowledgment }),
        'reset-unknown',
        'cookie-wrong',
      );
    const other = fromClient({
      ...{ from: OTHER_CLIENT, flags: 'A', sequence: CLIENT_ISN + 1, acknowledgment: cookie + 1 },
    });
    expect(path.receive(other, 'front'), 'reset-unknown', 'cookie-wrong');
    assert.deepEqual(path.state().sessions, []);
  }),
  law('who asks for the window one number back is taken as well', ALWAYS, (path) => {
    const { cookie, time } = tellCookie(path, ALL);
    const probe = ackOf(ALL, { cookie, time });
    expect(front(path, { ...probe, sequence: CLIENT_ISN }), 'to-backend', 'cookie-accepted');
    // ... and sends the SYN again until the backend has answered.
    const again = front(path, { ...probe, sequence: CLIENT_ISN });
    expect(again, 'to-backend', 'cookie-again');
    const { tcp } = read(again);
    assert.deepEqual([tcp.flags, tcp.sequence], ['S', CLIENT_ISN]);
  }),
  law(
    'a backend that refuses: the client hears it in the numbers that it knows',
    ALWAYS,
    (path) => {
      const { cookie } = accepted(path, ALL);
      const refusal = { flags: 'RA', sequence: 0, acknowledgment: CLIENT_ISN + 1, window: 0 };
      const outcome = path.receive(fromBackend(refusal), 'back');
      expect(outcome, 'to-client');
      assert.equal(read(outcome).tcp.sequence, (cookie + 1) >>> 0);
      assert.equal(path.state().sessions[0]?.state, 'reset');
    },
  ),
  law('a RST that answers nothing, and an older connection of the backend', ALWAYS, (path) => {
    accepted(path, ALL);
    const stray = fromBackend({ flags: 'R', sequence: 5 });
    expect(path.receive(stray, 'back'), 'drop-no-session');
    const old = fromBackend({ flags: 'A', sequence: 5, acknowledgment: 77 });
    const told = path.receive(old, 'back');
    expect(told, 'reset-stale');
    assert.deepEqual([read(told).tcp.flags, read(told).tcp.sequence], ['R', 77]);
    assert.equal(path.state().sessions[0]?.state, 'opening');
  }),
  law(
    'an ICMP error about the server’s packet quotes the number that the server knows',
    ALWAYS,
    (path) => {
      const { cookie } = converse(path, ALL, ALL);
      const about = { flags: 'A', sequence: cookie + 1, acknowledgment: CLIENT_ISN + 1 } as const;
      const error = {
        ...{ type: 3, code: 4, parameter: 1_400, quotedBytes: 8, from: '10.0.88.1' },
      };
      const received = icmpError({
        ...error,
        ethernet: linkFrom('front'),
        to: WEB.split(':')[0] ?? '',
        about: toClient(about),
      });
      const outcome = path.receive(received, 'front');
      assert.equal(outcome.verdict, 'error-to-backend');
      const original = fromBackend({ ...about, sequence: SERVER_ISN + 1 });
      const quoted = toHex(original.subarray(34, 42));
      assert.equal(toHex(outcome.frame.subarray(62, 70)), quoted);
    },
  ),
  law(
    'who is on the list is kept out before, limits are for those who come back',
    {
      ...ALWAYS,
      access: { '0.0.0.0/0': 'deny', '10.0.88.100/32': 'allow' },
      rate: { everySeconds: 1_000, burst: 1 },
    },
    (path) => {
      expect(
        path.receive(fromClient({ ...synOf(ALL), from: OTHER_CLIENT }), 'front'),
        'reset-denied',
      );
      for (let i = 0; i < 3; i++) tellCookie(path, ALL);
      const { cookie, time } = accepted(path, ALL);
      const other = { ...ackOf(ALL, { cookie, time }), from: '10.0.88.100:999' };
      const syn = path.receive(fromClient({ ...synOf(ALL), from: other.from }), 'front');
      const ack = { ...other, acknowledgment: read(syn).tcp.sequence + 1 };
      expect(path.receive(fromClient(ack), 'front'), 'reset-listener-rate');
    },
  ),
  law(
    'auto: from the threshold on, until so few stay away for as long as a half-open session lasts',
    {},
    async (path) => {
      const cookies = { when: 'auto', threshold: 4 } as const;
      path.reset({ ...portRange(64), listeners: [{ ...WEB_LISTENER, admission: { cookies } }] });
      for (let i = 0; i < 4; i++) open(path, i);
      const knock = () =>
        path.receive(fromClient({ ...synOf(ALL), from: client(40) }), 'front').verdict;
      for (let i = 0; i < 3; i++) assert.equal(knock(), 'cookie');
      assert.equal(path.state().sessions.length, 4);
      path.elapse(12);
      assert.equal(knock(), 'cookie', 'three stayed away: it goes on');
      path.elapse(12);
      await path.sweep();
      assert.equal(knock(), 'to-backend', 'one did, and no session is half open: it is over');
      const events = path.state().events.map(({ type }) => type);
      assert.deepEqual(events, ['syn-protection-on', 'syn-protection-off']);
    },
  ),
];

function law(
  name: string,
  admission: (typeof WEB_LISTENER)['admission'],
  check: (path: Balancer) => void | Promise<void>,
): Law<BalancerTables> {
  return {
    name,
    check: async (path) => {
      path.reset({ ...WEB_TABLES, ...webWith({ admission }) });
      await check(path);
      noFaults(path);
    },
  };
}

/** A whole handshake, and data both ways. */
function converse(path: Balancer, ofClient: Ability, ofServer: Ability): Told {
  const told = accepted(path, ofClient);
  const { cookie, time } = told;
  const isTimed = ofClient.timed && ofServer.timed;
  const scales = ofClient.timed && ofClient.scale !== undefined;
  const serverScale = scales ? ofServer.scale : undefined;
  const answer: Segment = {
    ...{ flags: 'SA', sequence: SERVER_ISN, acknowledgment: CLIENT_ISN + 1, window: SERVER_WINDOW },
    options: [
      mss(1_400),
      ...(isTimed ? [timestamps(SERVER_TIME, CLIENT_TIME)] : []),
      ...(serverScale === undefined ? [] : [windowScale(serverScale)]),
    ],
  };
  // What the client gets is scaled by what it was told.
  const raw = SERVER_WINDOW >>> (serverScale ?? 0);
  const toClientWindow = (window: number) =>
    scales
      ? Math.min(0xffff, Math.floor((window * 2 ** (serverScale ?? 0)) / 2 ** OWN_SCALE))
      : window;
  sends(
    path.receive(fromBackend(answer), 'back'),
    'to-client',
    toClient({
      ...{ flags: 'A', sequence: cookie + 1, acknowledgment: CLIENT_ISN + 1 },
      ...{
        window: toClientWindow(raw),
        options: padded(isTimed ? [time, CLIENT_TIME] : undefined),
      },
    }),
  );
  // Our copy of it comes in as the client's own ACK.
  const serverScales = !scales || serverScale !== undefined;
  const toServerWindow = serverScales
    ? WINDOW
    : Math.min(0xffff, WINDOW * 2 ** (ofClient.scale ?? 0));
  const ack = {
    flags: 'A',
    sequence: CLIENT_ISN + 1,
    acknowledgment: cookie + 1,
    window: WINDOW,
  } as const;
  sends(
    front(path, { ...ack, options: padded(isTimed ? [CLIENT_TIME, time] : undefined) }),
    'to-backend',
    toBackend({
      ...{ ...ack, acknowledgment: SERVER_ISN + 1, window: toServerWindow },
      options: padded(isTimed ? [CLIENT_TIME, SERVER_TIME] : undefined),
    }),
  );
  assert.equal(path.state().sessions[0]?.state, 'established');
  const edges = (isn: number) => sack([isn + 100, isn + 200], [isn + 300, isn + 400]);
  const times = (value: number, echo: number) =>
    isTimed ? [nop, nop, timestamps(value, echo)] : [];
  sends(
    front(path, {
      ...ack,
      payload: 'GET /',
      options: [...times(CLIENT_TIME + 5, time + 9), edges(cookie)],
    }),
    'to-backend',
    toBackend({
      ...{ ...ack, acknowledgment: SERVER_ISN + 1, window: toServerWindow, payload: 'GET /' },
      options: [...times(CLIENT_TIME + 5, SERVER_TIME + 9), edges(SERVER_ISN)],
    }),
  );
  const data = { flags: 'PA', acknowledgment: CLIENT_ISN + 6, payload: '200 OK' } as const;
  sends(
    path.receive(
      fromBackend({
        ...{ ...data, sequence: SERVER_ISN + 1, window: 64 },
        options: [...times(SERVER_TIME + 20, CLIENT_TIME + 5), edges(CLIENT_ISN)],
      }),
      'back',
    ),
    'to-client',
    toClient({
      ...{ ...data, sequence: cookie + 1, window: toClientWindow(64) },
      options: [...times(time + 20, CLIENT_TIME + 5), edges(CLIENT_ISN)],
    }),
  );
  return told;
}

/** The client's SYN, and what the answer told it. */
function tellCookie(path: Balancer, ability: Ability): Told {
  const outcome = front(path, synOf(ability));
  expect(outcome, 'cookie');
  const { tcp } = read(outcome);
  const times = tcp.options.find((one) => one.kind === 'timestamps');
  const told = { cookie: tcp.sequence, time: times?.value ?? 0 };
  if (ability.timed)
    assert.equal(told.time & 0x3f, 0x20 | (ability.sack ? 0x10 : 0) | (ability.scale ?? 15));
  const options = padded(ability.timed ? [told.time, CLIENT_TIME] : undefined, {
    mssBytes: 1_460,
    sack: ability.timed && ability.sack,
    scale: ability.timed && ability.scale !== undefined ? OWN_SCALE : undefined,
  });
  sends(
    outcome,
    'cookie',
    answerToClient({ flags: 'SA', sequence: told.cookie, acknowledgment: CLIENT_ISN + 1, options }),
  );
  return told;
}

/** ... and its ACK, which becomes the SYN that it had sent. */
function accepted(path: Balancer, ability: Ability): Told {
  const told = tellCookie(path, ability);
  const outcome = front(path, ackOf(ability, told));
  expect(outcome, 'to-backend', 'cookie-accepted');
  const { timed } = ability;
  const scale = timed ? ability.scale : undefined;
  const window = Math.min(0xffff, WINDOW * 2 ** (scale ?? 0));
  const options = padded(timed ? [CLIENT_TIME, 0] : undefined, {
    ...{ mssBytes: 1_460, sack: timed && ability.sack, scale },
  });
  sends(
    outcome,
    'to-backend',
    toBackend({ flags: 'S', sequence: CLIENT_ISN, window, options: [toa(CLIENT), ...options] }),
  );
  return told;
}

function synOf({ timed, sack: takesSack, scale }: Ability): Segment {
  return {
    ...{ flags: 'S', sequence: CLIENT_ISN },
    options: [
      mss(1_460),
      ...(takesSack ? [sackPermitted] : []),
      ...(timed ? [timestamps(CLIENT_TIME)] : []),
      ...(scale === undefined ? [] : [windowScale(scale)]),
    ],
  };
}

function ackOf({ timed }: Ability, { cookie, time }: Told): Segment {
  return {
    ...{ flags: 'A', sequence: CLIENT_ISN + 1, acknowledgment: cookie + 1, window: WINDOW },
    options: timed ? [nop, nop, timestamps(CLIENT_TIME, time)] : [],
  };
}

/** Options as a handshake of ours has them. */
function padded(
  times: readonly [value: number, echo: number] | undefined,
  more: { mssBytes?: number; sack?: boolean; scale?: number | undefined } = {},
): TcpOption[] {
  const nops = (count: number): TcpOption[] => Array.from({ length: count }, () => nop);
  return [
    ...(more.mssBytes === undefined ? nops(4) : [mss(more.mssBytes)]),
    ...(more.sack ? [sackPermitted] : nops(2)),
    ...(times ? [timestamps(...times)] : nops(10)),
    ...(more.scale === undefined ? nops(4) : [nop, windowScale(more.scale)]),
  ];
}

function front(path: Balancer, segment: Segment): Outcome {
  return path.receive(fromClient(segment), 'front');
}

function expect(outcome: Outcome, verdict: Verdict, ...notes: Note[]): void {
  assert.deepEqual([outcome.verdict, outcome.notes], [verdict, notes]);
}

function sends(outcome: Outcome, verdict: Verdict, frame: Uint8Array): void {
  assert.deepEqual([outcome.verdict, outcome.action], [verdict, 'redirect']);
  assert.equal(toHex(outcome.frame), toHex(frame));
  const sums = verifyChecksums(outcome.frame);
  assert.ok(sums.ok && sums.value.ipv4 === 'good' && sums.value.transport === 'good');
}

function read({ frame }: Outcome): { tcp: TcpHeader } {
  const packet = parseFrame(frame);
  assert.ok(packet.ok && packet.value.kind === 'tcp');
  return packet.value;
}
