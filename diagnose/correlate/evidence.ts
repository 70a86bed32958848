/**
 * How much two connections, seen at two capture points, look like one: evidence in bits, so that
 * ten more of them mean a thousand times less likely to be chance. docs/reference/trace-matching.md
 * has the table of what survives which box.
 */
import { addressOf } from './address-book.ts';
import { isSameTuple, startOf, type Connection, type Seconds } from './connection.ts';
import type { Commonness, Pair } from './commonness.ts';
import type { Habits } from './habits.ts';
import type { SessionIndex } from './sessions.ts';

/** No more than 13: a list of them is a number below 2^53. */
const KINDS = [
  ...(['session', 'toa', 'tuple', 'source', 'isn', 'isn-delta', 'server-isn'] as const),
  ...(['timestamps', 'ip-id', 'options', 'window', 'payload', 'time'] as const),
];
export type EvidenceKind = (typeof KINDS)[number];
const KIND_NUMBERS = Object.fromEntries(KINDS.map((kind, i) => [kind, i + 1])) as Readonly<
  Record<EvidenceKind, number>
>;
const orders = new Map<number, readonly EvidenceKind[]>();

export interface Evidence {
  readonly bits: number;
  /** What speaks for it, strongest first. */
  readonly by: readonly EvidenceKind[];
  /** Bits from what tells one connection from all others; the rest fits many. */
  readonly identifyingBits: number;
}

/** What is known when two connections are compared; `hops` are all so far, the earlier one last. */
export interface Comparison extends Pair {
  readonly hops: readonly Connection[];
  /** How often each value occurs at the two points: one ISN for a thousand SYNs proves nothing. */
  readonly common: Commonness;
  /** What the box between is known to do, from matches that are certain. */
  readonly habits: Habits;
  readonly sessions: SessionIndex;
  /** Later point's clock less the earlier's, where known. */
  readonly clock: { readonly offset: Seconds; readonly tolerance: Seconds } | undefined;
}

/** Bits when a value that occurs once is equal at both points; 32-bit numbers could give 32. */
const BITS = {
  session: 40,
  toa: 30,
  tuple: 24,
  source: 8,
  isn: 24,
  serverIsn: 24,
  timestamps: 20,
  serverTimestamps: 10,
  ipId: 14,
  payload: 12,
  delta: 6,
} as const;
/** Each doubling of the connections that share a value takes this much. */
const BITS_PER_DOUBLING = 3;
/** Against, when the box between is known to keep the value, and when nothing is known. */
const AGAINST_KEPT = 24;
const AGAINST_UNKNOWN = 8;
/** Boxes that rewrite sequence numbers are common. */
const AGAINST_ISN_UNKNOWN = 4;
const OPTIONS_MOST_BITS = 4;
const WINDOW_MOST_BITS = 3;
const TIME_MOST_BITS = 8;
/** A packet cannot arrive before it was sent, nor seconds after while it is not sent again. */
const TIME_IMPOSSIBLE = 24;
const TIME_LATE_SECONDS = 1;

/** Undefined: more speaks against it than for it. Valid until the next call. */
export function weigh(comparison: Comparison): Scale | undefined {
  scale.empty();
  weighNames(scale, comparison);
  weighNumbers(scale, comparison);
  weighShape(scale, comparison);
  weighTime(scale, comparison);
  return scale.bits > 0 ? scale : undefined;
}

/** One for all comparisons: they are many, and each is over before the next begins. */
export class Scale {
  bits = 0;
  identifyingBits = 0;
  #count = 0;
  /** Kinds as numbers from 1, strongest first, and the bits of each. */
  readonly #kinds = new Uint8Array(KINDS.length);
  readonly #bits = new Float64Array(KINDS.length);

  empty(): void {
    this.bits = 0;
    this.identifyingBits = 0;
    this.#count = 0;
  }

  for(kind: EvidenceKind, bits: number, isIdentifying = true): void {
    if (bits <= 0) return;
    this.bits += bits;
    if (isIdentifying) this.identifyingBits += bits;
    const number = KIND_NUMBERS[kind];
    let at = this.#count;
    // Twice under one name: it stays where it was.
    for (let i = 0; i < at; i += 1) if (this.#kinds[i] === number) return;
    for (; at > 0 && (this.#bits[at - 1] ?? 0) < bits; at -= 1) {
      this.#kinds[at] = this.#kinds[at - 1] ?? 0;
      this.#bits[at] = this.#bits[at - 1] ?? 0;
    }
    this.#kinds[at] = number;
    this.#bits[at] = bits;
    this.#count += 1;
  }

  against(bits: number): void {
    this.bits -= bits;
  }

  /** Few orders occur among thousands of connections: each is kept once. */
  by(): readonly EvidenceKind[] {
    let key = 0;
    for (let i = 0; i < this.#count; i += 1) key = key * 16 + (this.#kinds[i] ?? 0);
    const known = orders.get(key);
    if (known) return known;
    const order = Array.from(this.#kinds.subarray(0, this.#count), (number) => KINDS[number - 1]);
    const names = order.filter((kind) => kind !== undefined);
    orders.set(key, names);
    return names;
  }
}

const scale = new Scale();

/** Addresses, ports, and those who say which belong together: session tables and TOA. */
function weighNames(scale: Scale, comparison: Comparison): void {
  const { hops, earlier: last, later, habits, sessions, common } = comparison;
  if (hops.some((hop) => sessions.joins(hop, later))) scale.for('session', BITS.session);
  else if (sessions.contradicts(last, later)) scale.against(AGAINST_KEPT);

  if (isSameTuple(last, later)) {
    scale.for('tuple', BITS.tuple);
    return;
  }
  const toaAgrees = hops.some((hop) => agreesByToa(hop, later));
  if (toaAgrees) scale.for('toa', BITS.toa);
  else if (hasOtherToa(last, later))
    scale.against(habits.toaNames ? AGAINST_KEPT : AGAINST_UNKNOWN);
  else if (last.client === later.client)
    scale.for('source', rarely(BITS.source, common.count('client', comparison)));
}

/** Numbers that two connections share by chance once in many. */
function weighNumbers(scale: Scale, comparison: Comparison): void {
  const { earlier: last, later, habits } = comparison;
  compare(scale, comparison, 'isn', habits.keepsIsn, AGAINST_ISN_UNKNOWN);
  compare(scale, comparison, 'serverIsn', habits.keepsServerIsn, AGAINST_UNKNOWN);
  compare(scale, comparison, 'timestamp', habits.keepsTimestamps, AGAINST_UNKNOWN);
  const lastHasSyn = last.firstSyn !== undefined;
  if (last.timestamp === undefined && later.timestamp !== undefined && later.firstSyn !== undefined)
    scale.against(lastHasSyn ? AGAINST_UNKNOWN : 0);
  if (last.serverTimestamp !== undefined && last.serverTimestamp === later.serverTimestamp)
    scale.for('timestamps', BITS.serverTimestamps);
  // Which retransmission came through is open, and each has an id of its own.
  if (last.ipId === later.ipId || last.synCount === 1)
    compare(scale, comparison, 'ipId', habits.keepsIpId, 2, AGAINST_UNKNOWN);
  compare(scale, comparison, 'payloadHash', undefined, AGAINST_UNKNOWN);
  weighDelta(scale, last, later);
}

/** By field: what equal values are called, and the bits of one that occurs once. */
const NUMBERS = {
  isn: { kind: 'isn', bits: BITS.isn },
  serverIsn: { kind: 'server-isn', bits: BITS.serverIsn },
  timestamp: { kind: 'timestamps', bits: BITS.timestamps },
  ipId: { kind: 'ip-id', bits: BITS.ipId },
  payloadHash: { kind: 'payload', bits: BITS.payload },
} as const;

/** `isKept`: what the box between does with the value, where known. */
function compare(
  scale: Scale,
  comparison: Comparison,
  field: keyof typeof NUMBERS,
  isKept: boolean | undefined,
  againstUnknown: number,
  againstKept: number = AGAINST_KEPT,
): void {
  const [a, b] = [comparison.earlier[field], comparison.later[field]];
  if (a === undefined || b === undefined) return;
  const { kind, bits } = NUMBERS[field];
  if (a === b) scale.for(kind, rarely(bits, comparison.common.count(field, comparison)));
  else if (isKept !== false) scale.against(isKept === true ? againstKept : againstUnknown);
}

/**
 * The most by which any connection that shares neither ends nor sequence numbers with this pair can
 * be nearer to one of the two than what `StrongCommonness` and no clock gives the pair: where the two
 * agree, whoever agrees too gains nothing on them. Who is further ahead needs no other comparison.
 */
export function mostOfStrangers(a: Connection, b: Connection): number {
  let bits = 2 * BITS.delta + BITS.serverTimestamps;
  if (a.timestamp !== b.timestamp) bits += BITS.timestamps;
  if (a.ipId !== b.ipId) bits += BITS.ipId;
  if (a.payloadHash !== b.payloadHash) bits += BITS.payload;
  if (a.signature !== b.signature) bits += OPTIONS_MOST_BITS;
  if (a.window !== b.window) bits += WINDOW_MOST_BITS;
  return bits;
}

/** One shift for all sequence numbers: as many bytes from ISN to FIN, on both sides. */
function weighDelta(scale: Scale, last: Connection, later: Connection): void {
  const pairs = [
    [last.clientBytes, later.clientBytes],
    [last.serverBytes, later.serverBytes],
  ] as const;
  for (const [a, b] of pairs) {
    if (a === undefined || b === undefined) continue;
    if (a !== b) scale.against(AGAINST_KEPT);
    else if (a > 0) scale.for('isn-delta', BITS.delta, false);
  }
}

/** What a system's SYNs have in common: it fits many, and tells systems apart. */
function weighShape(scale: Scale, comparison: Comparison): void {
  const { earlier: last, later, common } = comparison;
  if (last.firstSyn === undefined || later.firstSyn === undefined) return;
  const shaped = (kind: 'options' | 'window', field: 'signature' | 'window', most: number) => {
    const [a, b] = [last[field], later[field]];
    if (a === undefined || b === undefined) return;
    if (a === b)
      scale.for(kind, Math.min(most, common.surprise(common.count(field, comparison))), false);
    else scale.against(most + 2);
  };
  shaped('options', 'signature', OPTIONS_MOST_BITS);
  shaped('window', 'window', WINDOW_MOST_BITS);
  // Boxes lower the MSS and never raise it.
  if (last.mss !== undefined && later.mss !== undefined && later.mss > last.mss) scale.against(6);
}

function weighTime(scale: Scale, { earlier: last, later, clock, common }: Comparison): void {
  if (!clock) return;
  const arrival = startOf(later) - clock.offset;
  const sent =
    later.firstSyn !== undefined && last.firstSyn !== undefined ? last.syns : [startOf(last)];
  const delay = sent.reduce(
    (least, time) => (Math.abs(arrival - time) < Math.abs(least) ? arrival - time : least),
    Infinity,
  );
  const size = Math.abs(delay);
  const bits = Math.min(TIME_MOST_BITS, -Math.log2(common.startsWithin(2 * clock.tolerance)));
  if (size <= clock.tolerance) scale.for('time', bits, false);
  else if (size <= 4 * clock.tolerance) scale.for('time', bits - 3, false);
  else if (size <= TIME_LATE_SECONDS) scale.against(6);
  else scale.against(TIME_IMPOSSIBLE);
}

function agreesByToa(hop: Connection, later: Connection): boolean {
  const named = later.toa;
  if (named !== undefined) return (hop.toa ?? hop.client) === named;
  return hop.toa !== undefined && hop.toa === later.client;
}

/** TOA names a client that none of the earlier hops is. */
function hasOtherToa(last: Connection, later: Connection): boolean {
  if (later.toa !== undefined) return true;
  // A port remapped on purpose is no contradiction; another client's address is.
  return last.toa !== undefined && addressOf(last.toa) !== later.clientAddress;
}

function rarely(bits: number, count: number): number {
  return Math.max(0, bits - BITS_PER_DOUBLING * Math.log2(Math.max(1, count)));
}
