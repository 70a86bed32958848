/** Random conversations: what is done, packet after packet, on a data path under test. */
import fc from 'fast-check';
import { anyBytes, record } from '../../../packet/arbitraries.ts';
import {
  nop,
  rawOption,
  sack,
  timestamps,
  toa,
  type PacketFields,
  type TcpOption,
  type TcpPacketFields,
} from '../../../packet/index.ts';
import type { Flow, Side } from '../../model/index.ts';
import { bytes, SYN_OPTIONS } from '../balancer/conversation.ts';

export type Segment = Partial<TcpPacketFields> & Pick<TcpPacketFields, 'flags'>;

/** How a connection looks on the server's side, as far as it was seen there: peer → server. */
export type Ways = ReadonlyMap<number, Flow>;

export type Act<Tables> =
  | {
      readonly kind: 'frame';
      readonly from: Side;
      readonly connection: number;
      readonly frame: (ways: Ways) => Uint8Array;
    }
  /** The same frame once more, so many frames later. */
  | { readonly kind: 'again'; readonly back: number }
  /** Somebody on this side complains about the last packet that left towards it. */
  | ({ readonly kind: 'error'; readonly from: Side } & Complaint)
  | { readonly kind: 'elapse'; readonly seconds: number }
  | { readonly kind: 'sweep' }
  | { readonly kind: 'reconfigure'; readonly tables: Tables };

/** Fields of an ICMP error. */
export interface Complaint {
  readonly type: number;
  readonly code: number;
  readonly parameter: number;
  readonly quotedBytes: number;
  readonly ttl: number;
}

export interface Conversation<Tables> {
  readonly tables: Tables;
  readonly acts: readonly Act<Tables>[];
}

/** What both sides of one connection say; numbers are relative to their initial ones. */
export interface Ends {
  readonly clientIsn: number;
  readonly serverIsn: number;
  /** The client's TSval; undefined when it uses none. */
  readonly time: number | undefined;
}

/**
 * Time goes by in steps of 0.75 s, and every timeout lies between two of them: what the
 * kernel's own clock adds to a conversation, milliseconds, decides nothing.
 */
const STEP_SECONDS = 0.75;
/** A busy session is written once a second: it ends that much later. */
const LATE_SECONDS = 1;
export const TIMEOUT_SECONDS = {
  opening: between(10),
  established: between(900),
  closing: between(120),
  'time-wait': between(64),
  reset: between(10),
};
const WORD = 2 ** 32;
const ODD_OPTIONS: readonly TcpOption[][] = [
  [toa('1.2.3.4:5')],
  [nop, toa('5.6.7.8:9'), toa('10.0.88.100:21521')],
  [rawOption(Uint8Array.of(254, 8, 1, 2))],
  [rawOption(Uint8Array.of(99, 0))],
  Array.from({ length: 40 }, () => nop),
];

/** What an end can send: usual things mostly. */
export function anySegment(side: Side, ends: Ends): fc.Arbitrary<Segment> {
  const isClient = side === 'front';
  const [own, other] = isClient
    ? [ends.clientIsn, ends.serverIsn]
    : [ends.serverIsn, ends.clientIsn];
  return record({
    flags: fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom(
          ...(isClient ? ['S', 'A', 'PA', 'FA', 'R'] : ['SA', 'A', 'PA', 'FA', 'R']),
        ),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom('S', 'SA', 'F', 'RA', 'SF', 'SR', '', 'FPU', 'RSA', 'AU'),
      },
    ),
    sequence: anyNear(own),
    acknowledgment: anyNear(other),
    options: anyOptions(ends),
    payload: fc
      .oneof(
        { weight: 6, arbitrary: fc.constantFrom(0, 0, 1, 5) },
        { weight: 1, arbitrary: fc.constantFrom(100, 1400, 1432, 1433, 1448, 1460, 1461, 2000) },
      )
      .map(bytes),
    ttl: fc.oneof(
      { weight: 20, arbitrary: fc.constant(64) },
      { weight: 1, arbitrary: fc.constantFrom(0, 1, 2, 255) },
    ),
    trafficClass: fc.constantFrom(0, 0, 0, 0xb8),
    window: fc.constantFrom(64_240, 0, 0xffff),
    trailer: fc.oneof(
      { weight: 10, arbitrary: fc.constant(new Uint8Array(0)) },
      { weight: 1, arbitrary: anyBytes(0, 30) },
    ),
    odd: fc.oneof(
      { weight: 30, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: anyOddity() },
    ),
  }).map(({ odd, ...segment }) => ({ ...segment, ...odd }));
}

/** The segments of a handshake. */
export function handshakeOf({
  clientIsn,
  serverIsn,
  time,
}: Ends): [side: Side, segment: Segment][] {
  const options = time === undefined ? [] : [nop, nop, timestamps(time, 9)];
  const synOptions = SYN_OPTIONS.map((one) =>
    one.kind === 'timestamps' ? timestamps(time ?? 0) : one,
  );
  const [sequence, acknowledgment] = [plus(clientIsn, 1), plus(serverIsn, 1)];
  return [
    ['front', { flags: 'S', sequence: clientIsn, options: time === undefined ? [] : synOptions }],
    ['back', { flags: 'SA', sequence: serverIsn, acknowledgment: sequence, options }],
    ['front', { flags: 'A', sequence, acknowledgment, options }],
  ];
}

/** Both FINs and the last ACK, after a handshake and nothing else. */
export function closeOf({ clientIsn, serverIsn, time }: Ends): [side: Side, segment: Segment][] {
  const options = time === undefined ? [] : [nop, nop, timestamps(time, 9)];
  const client = { sequence: plus(clientIsn, 1), options };
  const server = { sequence: plus(serverIsn, 1), options };
  return [
    ['front', { flags: 'FA', ...client, acknowledgment: plus(serverIsn, 1) }],
    ['back', { flags: 'FA', ...server, acknowledgment: plus(clientIsn, 2) }],
    [
      'front',
      { flags: 'A', ...client, sequence: plus(clientIsn, 2), acknowledgment: plus(serverIsn, 2) },
    ],
  ];
}

/** A SYN that nobody answers. */
export function unansweredOf(ends: Ends): [side: Side, segment: Segment][] {
  return handshakeOf(ends).slice(0, 1);
}

/** A connection from its first packet to its last. */
export function wholeOf(ends: Ends): [side: Side, segment: Segment][] {
  return [...handshakeOf(ends), ...closeOf(ends)];
}

export function anyEnds(): fc.Arbitrary<Ends> {
  const isn = fc.constantFrom(1000, 5000, 0, WORD - 1, 2 ** 31, 0x1234_5678);
  const time = fc.constantFrom(undefined, 7, 1_000_000, WORD - 1, 2 ** 31);
  return record({ clientIsn: isn, serverIsn: isn, time });
}

/** Repetition, silence, expiry: what happens between the frames. */
export function anyPause<Tables>(): fc.Arbitrary<Act<Tables>> {
  const steps = fc.constantFrom(1, 1, 2, 3, 13, 20, 86, 90, 165, 1210);
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .integer({ min: 1, max: 8 })
        .map((back): Act<Tables> => ({ kind: 'again', back })),
    },
    {
      weight: 3,
      arbitrary: record({
        kind: fc.constant('error' as const),
        from: fc.constantFrom('front' as const, 'back' as const),
        type: fc.constantFrom(3, 3, 3, 11, 12, 4, 5),
        code: fc.constantFrom(0, 1, 4, 4, 13),
        parameter: fc.constantFrom(0, 1400, 68, 20),
        quotedBytes: fc.constantFrom(8, 8, 20, 548, 4),
        ttl: fc.constantFrom(64, 64, 64, 1),
      }),
    },
    {
      weight: 5,
      arbitrary: steps.map((count): Act<Tables> => ({
        kind: 'elapse',
        seconds: count * STEP_SECONDS,
      })),
    },
  );
}

function anyNear(isn: number): fc.Arbitrary<number> {
  const offset = fc.constantFrom(0, 1, 1, 1, 2, 6, 1449, 65_535, 65_536, 65_537, WORD - 1);
  return fc.oneof(
    { weight: 10, arbitrary: offset.map((by) => plus(isn, by)) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: WORD - 1 }) },
  );
}

function anyOptions({ time }: Ends): fc.Arbitrary<readonly TcpOption[]> {
  const now = time ?? 3;
  const usual: readonly TcpOption[][] = [
    [],
    SYN_OPTIONS,
    [nop, nop, timestamps(now, 9)],
    [timestamps(plus(now, 5), 9), nop, nop, nop],
    [nop, nop, sack([1, 2], [plus(now, 3), 4])],
    [nop, nop, timestamps(now, 9), nop, nop, sack([1, 2], [3, 4], [5, 6])],
  ];
  return fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...usual) },
    { weight: 2, arbitrary: fc.constantFrom(...ODD_OPTIONS) },
  );
}

/** What makes a frame one that cannot be translated, or one whose checksum is wrong. */
function anyOddity(): fc.Arbitrary<PacketFields & Pick<TcpPacketFields, 'tcp'>> {
  return fc.constantFrom<PacketFields & Pick<TcpPacketFields, 'tcp'>>(
    { badChecksum: 'ipv4' },
    { badChecksum: 'transport' },
    { ipOptions: Uint8Array.of(1, 1, 1, 0) },
    { fragment: { offsetBytes: 0, more: true } },
    { fragment: { offsetBytes: 8, more: false } },
    { ipv4: { totalBytes: 39 } },
    { ipv4: { headerWords: 4 } },
    { ipv4: { version: 6 } },
    { ipv4: { protocol: 17 } },
    { tcp: { headerWords: 4 } },
    { tcp: { headerWords: 15 } },
    { tcp: { checksum: 0 } },
    { tcp: { checksum: 0xffff } },
    { cutTo: 36 },
    { cutTo: 53 },
  );
}

/** A timeout that ends, with what it is late, in the middle between two steps. */
function between(seconds: number): number {
  const steps = Math.round((seconds + LATE_SECONDS) / STEP_SECONDS);
  return (steps + 0.5) * STEP_SECONDS - LATE_SECONDS;
}

function plus(number: number, by: number): number {
  return (number + by) % WORD;
}
