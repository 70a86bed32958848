/**
 * How much two connections, seen at two capture points, look like one: evidence in bits, so that
 * ten more of them mean a thousand times less likely to be chance. docs/reference/trace-matching.md
 * has the table of what survives which box.
 */
import { isSameTuple, startOf, type Connection, type Seconds } from './connection.ts';
import type { Commonness } from './commonness.ts';
import type { Habits } from './habits.ts';
import type { SessionIndex } from './sessions.ts';

export type EvidenceKind =
  | 'session'
  | 'toa'
  | 'tuple'
  | 'source'
  | 'isn'
  | 'isn-delta'
  | 'server-isn'
  | 'timestamps'
  | 'ip-id'
  | 'options'
  | 'window'
  | 'payload'
  | 'time';

export interface Evidence {
  readonly bits: number;
  /** What speaks for it, strongest first. */
  readonly by: readonly EvidenceKind[];
  /** Bits from what tells one connection from all others; the rest fits many. */
  readonly identifyingBits: number;
}

/** What is known when two connections are compared; `earlier` are all hops found so far. */
export interface Comparison {
  readonly earlier: readonly Connection[];
  readonly later: Connection;
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
const TIME_MOST_BITS = 8;
/** A packet cannot arrive before it was sent, nor seconds after while it is not sent again. */
const TIME_IMPOSSIBLE = 24;
const TIME_LATE_SECONDS = 1;

export function weigh(comparison: Comparison): Evidence {
  const scale = new Scale();
  weighNames(scale, comparison);
  weighNumbers(scale, comparison);
  weighShape(scale, comparison);
  weighTime(scale, comparison);
  return scale;
}

/** Names are put in order only when asked for: most comparisons lead nowhere. */
class Scale implements Evidence {
  bits = 0;
  identifyingBits = 0;
  readonly #found: { kind: EvidenceKind; bits: number }[] = [];

  get by(): readonly EvidenceKind[] {
    const found = this.#found.toSorted((a, b) => b.bits - a.bits);
    return [...new Set(found.map(({ kind }) => kind))];
  }

  for(kind: EvidenceKind, bits: number, isIdentifying = true): void {
    if (bits <= 0) return;
    this.#found.push({ kind, bits });
    this.bits += bits;
    if (isIdentifying) this.identifyingBits += bits;
  }

  against(bits: number): void {
    this.bits -= bits;
  }
}

/** Addresses, ports, and those who say which belong together: session tables and TOA. */
function weighNames(scale: Scale, { earlier, later, common, habits, sessions }: Comparison): void {
  const last = earlier.at(-1);
  if (!last) return;
  if (earlier.some((hop) => sessions.joins(hop, later))) scale.for('session', BITS.session);
  else if (sessions.contradicts(last, later)) scale.against(AGAINST_KEPT);

  if (isSameTuple(last, later)) {
    scale.for('tuple', BITS.tuple);
    return;
  }
  const toaAgrees = earlier.some((hop) => agreesByToa(hop, later));
  if (toaAgrees) scale.for('toa', BITS.toa);
  else if (hasOtherToa(earlier, later))
    scale.against(habits.toaNames ? AGAINST_KEPT : AGAINST_UNKNOWN);
  else if (last.clientPort === later.clientPort && last.clientAddress === later.clientAddress)
    scale.for('source', rarely(BITS.source, common.source(later)));
}

/** Numbers that two connections share by chance once in many. */
function weighNumbers(scale: Scale, { earlier, later, common, habits }: Comparison): void {
  const last = earlier.at(-1);
  if (!last) return;
  const compare = (
    kind: EvidenceKind,
    a: number | undefined,
    b: number | undefined,
    bits: number,
    kept: boolean | undefined,
    against = AGAINST_UNKNOWN,
  ) => {
    if (a === undefined || b === undefined) return;
    if (a === b) scale.for(kind, bits);
    else if (kept !== false) scale.against(kept === true ? AGAINST_KEPT : against);
  };
  const times = common.of(later);
  compare(
    'isn',
    last.isn,
    later.isn,
    rarely(BITS.isn, times.isn),
    habits.keepsIsn,
    AGAINST_ISN_UNKNOWN,
  );
  compare(
    'server-isn',
    last.serverIsn,
    later.serverIsn,
    rarely(BITS.serverIsn, times.serverIsn),
    habits.keepsServerIsn,
  );
  compare(
    'timestamps',
    last.timestamp,
    later.timestamp,
    rarely(BITS.timestamps, times.timestamp),
    habits.keepsTimestamps,
  );
  if (last.timestamp === undefined && later.timestamp !== undefined && later.syns.length > 0)
    scale.against(last.syns.length > 0 ? AGAINST_UNKNOWN : 0);
  if (last.serverTimestamp !== undefined && last.serverTimestamp === later.serverTimestamp)
    scale.for('timestamps', BITS.serverTimestamps);
  // Which retransmission came through is open, and each has an id of its own.
  if (last.ipId !== undefined && later.ipId !== undefined) {
    if (last.ipId === later.ipId) scale.for('ip-id', rarely(BITS.ipId, times.ipId));
    else if (last.syns.length === 1)
      scale.against(
        habits.keepsIpId === true ? AGAINST_UNKNOWN : habits.keepsIpId === false ? 0 : 2,
      );
  }
  if (last.payloadHash !== undefined && later.payloadHash !== undefined) {
    if (last.payloadHash === later.payloadHash)
      scale.for('payload', rarely(BITS.payload, times.payloadHash));
    else scale.against(AGAINST_UNKNOWN);
  }
  weighDelta(scale, last, later);
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
function weighShape(scale: Scale, { earlier, later, common }: Comparison): void {
  const last = earlier.at(-1);
  if (!last || last.syns.length === 0 || later.syns.length === 0) return;
  if (last.options !== undefined && later.options !== undefined) {
    if (last.options === later.options)
      scale.for('options', Math.min(4, common.surprise(common.of(later).options)), false);
    else scale.against(6);
  }
  if (last.window !== undefined && later.window !== undefined) {
    if (last.window === later.window)
      scale.for('window', Math.min(3, common.surprise(common.of(later).window)), false);
    else scale.against(5);
  }
  // Boxes lower the MSS and never raise it.
  if (last.mss !== undefined && later.mss !== undefined && later.mss > last.mss) scale.against(6);
}

function weighTime(scale: Scale, { earlier, later, clock, common }: Comparison): void {
  const last = earlier.at(-1);
  if (!last || !clock) return;
  const arrival = startOf(later) - clock.offset;
  const sent = later.syns.length > 0 && last.syns.length > 0 ? last.syns : [startOf(last)];
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
  if (later.toa !== undefined) {
    const { address, port } = later.toa;
    if (hop.toa !== undefined) return hop.toa.address === address && hop.toa.port === port;
    return hop.clientAddress === address && hop.clientPort === port;
  }
  const named = hop.toa;
  return (
    named !== undefined && named.address === later.clientAddress && named.port === later.clientPort
  );
}

/** TOA names a client that none of the earlier hops is. */
function hasOtherToa(earlier: readonly Connection[], later: Connection): boolean {
  const last = earlier.at(-1);
  if (later.toa !== undefined) return true;
  // A port remapped on purpose is no contradiction; another client's address is.
  return last?.toa !== undefined && last.toa.address !== later.clientAddress;
}

function rarely(bits: number, count: number): number {
  return Math.max(0, bits - BITS_PER_DOUBLING * Math.log2(Math.max(1, count)));
}
