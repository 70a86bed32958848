/** A resting tuple goes to another client: what the server sees goes forward, and comes back right. */
import assert from 'node:assert/strict';
import {
  endpoint,
  formatEndpoint,
  formatIpv4Address,
  icmpError,
  mss,
  nop,
  parseFrame,
  sack,
  timestamps,
  toHex,
  type Endpoint,
  type TcpOption,
} from '../../../packet/index.ts';
import type { BalancerTables, DataPath } from '../../model/index.ts';
import type { Law } from '../law.ts';
import {
  BACKEND,
  fromBackend,
  fromClient,
  linkFrom,
  linkTo,
  LOCAL,
  LOCAL_ADDRESS,
  toBackend,
  toClient,
} from '../network.ts';
import { client, noFaults, portRange } from './clients.ts';
import { CLIENT_ISN, SERVER_ISN, type Segment } from './conversation.ts';
import { ROUTER_BEHIND, TOO_BIG, VIRTUAL_ADDRESS } from './error-conversation.ts';

type Balancer = DataPath<BalancerTables>;

/** What a client's clock and sequence numbers are, and where its connection has come. */
interface Caller {
  readonly from: string;
  readonly isn: number;
  /** None: it does not use timestamps. */
  readonly time?: number;
}
/** What was added to its numbers on the way to the server. */
interface Shift {
  readonly sequence: number;
  readonly time: number;
}
const NONE: Shift = { sequence: 0, time: 0 };

/** Long enough that both ends have seen the last packet. */
const REST_SECONDS = 2;

const OLD = { from: client(0), isn: CLIENT_ISN, time: 900_000 };
const EARLIER = { from: client(1), isn: CLIENT_ISN + 50_000, time: 7 };
const LATER = { from: client(1), isn: 1, time: 900_500 };

export const shiftLaws: readonly Law<BalancerTables>[] = [
  law(
    'a client whose clock is behind is moved forward in time, by as little as will do',
    (path) => {
      const last = live(path, OLD);
      assert.deepEqual(reuse(path, EARLIER), { sequence: 0, time: last.time + 1 - EARLIER.time });
    },
  ),
  law(
    'a tuple that half-open hands gave away is still moved beyond what the server knows',
    (path) => {
      const last = live(path, OLD);
      path.elapse(REST_SECONDS);
      assert.ok(trySyn(path, { from: client(2), isn: 5, time: 5 }));
      assert.deepEqual(path.state().sessions.length, 1);
      path.elapse(REST_SECONDS);
      const { shift } = shake(path, EARLIER);
      assert.deepEqual(shift, { sequence: 0, time: last.time + 1 - EARLIER.time });
      const next = { from: client(3), isn: 1, time: 1 };
      const { time } = converse(path, EARLIER, shift);
      path.elapse(REST_SECONDS);
      assert.deepEqual(shake(path, next).shift, { sequence: 0, time: time + 1 - next.time });
    },
  ),
  law(
    'a client that takes up its own tuple, and never answers, leaves what the server knows',
    (path) => {
      const last = live(path, { from: client(0), isn: 3_000_000 });
      assert.ok(trySyn(path, { from: client(0), isn: 4_000_000 }));
      path.elapse(REST_SECONDS);
      const { sequence } = shake(path, { from: client(1), isn: 10 }).shift;
      assert.ok(sequence > last.sequence - 10);
    },
  ),
  law('a client whose clock is ahead is left as it is', (path) => {
    live(path, OLD);
    assert.deepEqual(reuse(path, LATER), NONE);
  }),
  law('without timestamps the sequence goes forward', (path) => {
    live(path, { from: client(0), isn: 3_000_000_000 });
    const { sequence, time } = reuse(path, { from: client(1), isn: 2_999_000_000 });
    assert.equal(time, 0);
    const beyond = (2_999_000_000 + sequence - 3_000_000_000) >>> 0;
    assert.ok(beyond > 0 && beyond < 2 ** 25, `${beyond} beyond the old connection`);
  }),
  law('without timestamps a later sequence is left as it is', (path) => {
    live(path, { from: client(0), isn: 1_000 });
    assert.deepEqual(reuse(path, { from: client(1), isn: 2_000_000 }), NONE);
  }),
  law('a forged number on a closing connection moves nobody who comes after it', (path) => {
    const old = { from: client(0), isn: 1_000 };
    const { shift } = shake(path, old);
    pass(path, old, shift, 'up', { flags: 'FA' });
    pass(path, old, shift, 'up', { flags: 'A', sequence: 0x4000_0000 });
    pass(path, old, shift, 'down', { flags: 'FA' });
    assert.deepEqual(reuse(path, { from: client(1), isn: 2_000_000 }), NONE);
  }),
  law('who used timestamps before is followed in sequence by one who does not', (path) => {
    live(path, OLD);
    const { sequence, time } = reuse(path, { from: client(1), isn: OLD.isn - 100 });
    assert.ok(sequence > 0 && time === 0);
  }),
  law('who used none before is followed in sequence by one who does', (path) => {
    live(path, { from: client(0), isn: 9_000_000 });
    const { sequence, time } = reuse(path, { from: client(1), isn: 10, time: 5 });
    assert.ok(sequence > 0 && time === 0);
  }),
  law('time goes forward over the end of 32 bits', (path) => {
    const last = live(path, { ...OLD, time: 0xffff_fff0 });
    assert.deepEqual(reuse(path, { ...EARLIER, time: 0xffff_0000 }), {
      sequence: 0,
      time: (last.time + 1 - 0xffff_0000) >>> 0,
    });
  }),
  law('sequences go forward over the end of 32 bits', (path) => {
    live(path, { from: client(0), isn: 0xffff_fff0 });
    const { sequence } = reuse(path, { from: client(1), isn: 0xffff_ff00 });
    assert.ok((0xffff_ff00 + sequence) % 2 ** 32 < 2 ** 25);
  }),
  law('a tuple that is used again and again goes forward every time', (path) => {
    let last = live(path, OLD);
    for (let i = 1; i < 8; i++) {
      const next = { from: client(i), isn: 1, time: 100 * i };
      path.elapse(REST_SECONDS);
      const { shift } = shake(path, next);
      assert.deepEqual(shift, { sequence: 0, time: last.time + 1 - next.time });
      last = converse(path, next, shift);
    }
  }),
  law('its own client takes it up again with the same shift', (path) => {
    live(path, OLD);
    const shift = reuse(path, EARLIER);
    const again = { ...EARLIER, isn: EARLIER.isn + 100_000, time: EARLIER.time + 60_000 };
    assert.deepEqual(shake(path, again).shift, shift);
    assert.deepEqual(path.state().sessions.length, 1);
  }),
  law('a connection that ended with one FIN and a RST is over as well', (path) => {
    const { shift } = shake(path, OLD);
    pass(path, OLD, shift, 'up', { flags: 'FA' });
    pass(path, OLD, shift, 'down', { flags: 'RA' });
    assert.equal(reuse(path, EARLIER).sequence, 0);
  }),
  law('a RST alone can be forged: its port is not given away', (path) => {
    const { shift } = shake(path, OLD);
    pass(path, OLD, shift, 'down', { flags: 'RA' });
    path.elapse(REST_SECONDS);
    assert.equal(trySyn(path, EARLIER), undefined);
  }),
  law('the last packet may be on its way for a second: until then the port rests', (path) => {
    live(path, OLD);
    assert.equal(trySyn(path, EARLIER), undefined);
    path.elapse(REST_SECONDS);
    assert.ok(trySyn(path, EARLIER));
  }),
  law('a live connection never gives its port away', (path) => {
    shake(path, OLD);
    path.elapse(60);
    assert.equal(trySyn(path, EARLIER), undefined);
  }),
  {
    name: 'what was released first is used again first',
    check: (path) => {
      path.reset(portRange(6));
      const ways = Array.from({ length: 6 }, (_, i) => {
        const caller = { from: client(i), isn: 1000, time: 1000 };
        return { caller, ...shake(path, caller) };
      });
      const order = [3, 0, 5, 1, 4, 2].flatMap((i) => ways[i] ?? []);
      for (const { caller, shift, local } of order) {
        path.elapse(1);
        converse(path, caller, shift, local);
      }
      path.elapse(REST_SECONDS);
      const used = order.map((_, i) => {
        const way = trySyn(path, { from: client(10 + i), isn: 1000, time: 1000 });
        assert.ok(way);
        return way.local.port;
      });
      assert.deepEqual(
        used,
        order.map(({ local }) => local.port),
      );
      assert.deepEqual(path.state().ports['0/0']?.reused, 6);
      noFaults(path);
    },
  },
  {
    name: 'a free port goes before a resting one',
    check: (path) => {
      path.reset(portRange(3));
      live(path, OLD);
      path.elapse(REST_SECONDS);
      for (const i of [1, 2]) assert.ok(trySyn(path, { from: client(i), isn: 1, time: 1 }));
      assert.equal(path.state().ports['0/0']?.reused, 0);
      assert.ok(trySyn(path, { from: client(3), isn: 1, time: 1 }));
      assert.equal(path.state().ports['0/0']?.reused, 1);
      noFaults(path);
    },
  },
  {
    name: 'when the table is full a resting session gives way, a live one does not',
    check: (path) => {
      path.reset({ ...portRange(20), sessionCapacity: 3 });
      const callers = [0, 1, 2, 3, 4].map((i) => ({ from: client(i), isn: 1, time: 1 }));
      const [a, b, c, d, e] = callers;
      assert.ok(a && b && c && d && e);
      converse(path, a, shake(path, a).shift, shake(path, a).local);
      shake(path, b);
      shake(path, c);
      assert.ok(trySyn(path, d));
      const fronts = path.state().sessions.map(({ front }) => front.split('>')[0]);
      assert.deepEqual(new Set(fronts), new Set([b.from, c.from, d.from]));
      shake(path, d);
      assert.equal(trySyn(path, e), undefined);
      noFaults(path);
    },
  },
];

/** On tables with one port, so that there is nothing else to take. */
function law(name: string, check: (path: Balancer) => void): Law<BalancerTables> {
  return {
    name,
    check: (path) => {
      path.reset(portRange(1));
      check(path);
      noFaults(path);
    },
  };
}

/** A whole connection; returns the last numbers that the server saw. */
function live(path: Balancer, caller: Caller): Shift {
  const { shift, local } = shake(path, caller);
  return converse(path, caller, shift, local);
}

/** Another client gets the tuple after it has rested, and all that it can say is said. */
function reuse(path: Balancer, caller: Caller): Shift {
  path.elapse(REST_SECONDS);
  const { shift, local } = shake(path, caller);
  assert.equal(formatEndpoint(local), LOCAL.replace('5004', '5000'));
  assert.equal(path.state().ports['0/0']?.reused, 1);
  everything(path, caller, shift);
  converse(path, caller, shift);
  return shift;
}

/** The handshake, with a SYN that is sent twice. */
function shake(path: Balancer, caller: Caller): { shift: Shift; local: Endpoint } {
  const way = trySyn(path, caller);
  assert.ok(way, `${caller.from} was refused`);
  assert.deepEqual(trySyn(path, later(caller, 3)), way, 'the SYN sent again is moved differently');
  pass(path, caller, way.shift, 'down', { flags: 'SA', sequence: SERVER_ISN }, way.local);
  pass(path, caller, way.shift, 'up', { flags: 'A' }, way.local);
  return way;
}

/** Everything that has a number in it. */
function everything(path: Balancer, caller: Caller, shift: Shift): void {
  const blocks = [1, 2, 3].map((i) => [caller.isn + i * 3000, caller.isn + i * 4000] as const);
  for (let n = 1; n <= (caller.time === undefined ? 3 : 2); n++) {
    const some = blocks.slice(0, n);
    for (const padding of [[], [nop], [nop, nop], [nop, nop, nop]]) {
      const before = { flags: 'A', options: [...padding, edges(some, shift.sequence)] } as const;
      const after = [...padding, edges(some, 0)];
      pass(path, caller, shift, 'down', before, undefined, after);
      /* the client's SACK is about the server's numbers, which nobody moves */
      const own = { flags: 'A', options: [...padding, sack([1, 2])] } as const;
      pass(path, caller, shift, 'up', own);
    }
  }
  pass(path, caller, shift, 'up', { flags: 'PA', payload: 'some words' });
  pass(path, caller, shift, 'up', { flags: 'PA', payload: 'odd' });
  pass(path, caller, shift, 'down', { flags: 'PA', payload: 'an answer' });
  pass(path, caller, shift, 'down', { flags: 'A', window: 0 });
  pass(path, caller, shift, 'down', { flags: 'A', window: 9000 });
  pass(path, caller, shift, 'up', { flags: 'A', sequence: caller.isn }); // keepalive
  hearOfError(path, caller, shift);
}

/** A router behind us quotes what it was sent; the client hears of the packet that it sent. */
function hearOfError(path: Balancer, caller: Caller, shift: Shift): void {
  const sequence = (caller.isn + 1) >>> 0;
  const segment = { flags: 'PA', acknowledgment: SERVER_ISN + 1, payload: 'some words' };
  const seen = { sequence: (sequence + shift.sequence) >>> 0, from: '10.0.124.161:5000' };
  const error = icmpError({
    ...{ ...TOO_BIG, ethernet: linkFrom('back'), from: ROUTER_BEHIND, to: LOCAL_ADDRESS },
    about: toBackend({ ...segment, ...seen }),
  });
  const wanted = icmpError({
    ...{ ...TOO_BIG, ethernet: linkTo('front'), from: VIRTUAL_ADDRESS, ttl: 63 },
    to: formatIpv4Address(endpoint(caller.from).address),
    about: fromClient({ ...segment, sequence, from: caller.from, ttl: 63 }),
  });
  const outcome = path.receive(error, 'back');
  assert.equal(outcome.verdict, 'error-to-client');
  assert.equal(toHex(outcome.frame), toHex(wanted));
}

/** Both FINs at once, and their acknowledgements; returns the last numbers that the server saw. */
function converse(path: Balancer, caller: Caller, shift: Shift, local?: Endpoint): Shift {
  const at = later(caller, 50);
  pass(path, at, shift, 'down', { flags: 'FA' }, local);
  pass(path, at, shift, 'up', { flags: 'FA' }, local);
  pass(path, later(at, 5), shift, 'up', { flags: 'A', sequence: (caller.isn + 2) >>> 0 }, local);
  return {
    sequence: (caller.isn + 2 + shift.sequence) >>> 0,
    time: ((later(at, 5).time ?? 0) + shift.time) >>> 0,
  };
}

const later = (caller: Caller, ticks: number): Caller =>
  caller.time === undefined ? caller : { ...caller, time: (caller.time + ticks) >>> 0 };

/** Sends the SYN; undefined when it was refused. */
function trySyn(path: Balancer, caller: Caller): { shift: Shift; local: Endpoint } | undefined {
  const options = [mss(1460), ...stamped(caller.time, 0)];
  const syn: Segment = { flags: 'S', sequence: caller.isn, options, from: caller.from };
  const outcome = path.receive(fromClient(syn), 'front');
  if (outcome.verdict !== 'to-backend') return undefined;
  const { ipv4, tcp } = tcpOf(outcome.frame);
  const seen = tcp.options.find(({ kind }) => kind === 'timestamps');
  const time = seen?.kind === 'timestamps' ? (seen.value - (caller.time ?? 0)) >>> 0 : 0;
  const shift = { sequence: (tcp.sequence - caller.isn) >>> 0, time };
  return { shift, local: { address: ipv4.source, port: tcp.sourcePort } };
}

function stamped(value: number | undefined, echo: number): TcpOption[] {
  return value === undefined ? [] : [nop, nop, timestamps(value, echo)];
}

/**
 * One segment through the balancer: numbers as its sender says them go in, and must come
 * out moved by `shift` and right in every byte.
 */
function pass(
  path: Balancer,
  caller: Caller,
  shift: Shift,
  way: 'up' | 'down',
  segment: Segment,
  local: Endpoint = endpoint('10.0.124.161:5000'),
  optionsAfter: readonly TcpOption[] = segment.options ?? [],
): void {
  const sign = way === 'up' ? 1 : -1;
  const own = { sequence: caller.isn + 1, acknowledgment: SERVER_ISN + 1 };
  const server = { sequence: SERVER_ISN + 1, acknowledgment: caller.isn + 1 + shift.sequence };
  const time = caller.time;
  const stamps = (by: number): TcpOption[] => {
    if (time === undefined) return [];
    return way === 'up'
      ? stamped((time + by) >>> 0, 77)
      : stamped(77, (time + shift.time + by) >>> 0);
  };
  const before = {
    ...wrapNumbers({ ...(way === 'up' ? own : server), ...segment }),
    options: [...(segment.options ?? []), ...stamps(0)],
  };
  const after = {
    ...before,
    ...(way === 'up'
      ? { sequence: (before.sequence + shift.sequence) >>> 0 }
      : { acknowledgment: (before.acknowledgment - shift.sequence) >>> 0 }),
    options: [...optionsAfter, ...stamps(sign * shift.time)],
  };
  const at = formatEndpoint(local);
  const [frame, wanted] =
    way === 'up'
      ? [fromClient({ ...before, from: caller.from }), toBackend({ ...after, from: at })]
      : [
          fromBackend({ ...before, from: BACKEND, to: at }),
          toClient({ ...after, to: caller.from }),
        ];
  const outcome = path.receive(frame, way === 'up' ? 'front' : 'back');
  assert.equal(outcome.verdict, way === 'up' ? 'to-backend' : 'to-client');
  assert.equal(toHex(outcome.frame), toHex(wanted), `${way} ${segment.flags}`);
}

function wrapNumbers<T extends { sequence: number; acknowledgment: number }>(segment: T): T {
  const { sequence, acknowledgment } = segment;
  return { ...segment, sequence: sequence >>> 0, acknowledgment: acknowledgment >>> 0 };
}

function edges(blocks: readonly (readonly [number, number])[], by: number): TcpOption {
  return sack(...blocks.map(([left, right]) => [(left + by) >>> 0, (right + by) >>> 0] as const));
}

function tcpOf(frame: Uint8Array) {
  const packet = parseFrame(frame);
  assert.ok(packet.ok && packet.value.kind === 'tcp');
  return packet.value;
}
