/** Follows the connections that failed across all capture points, and names the hop that ended them. */
import { formatEndpoint, type Endpoint } from '../../packet/address.ts';
import { LINK_COOKED2 } from '../../packet/link.ts';
import { writePcap } from '../../packet/pcap.ts';
import { AddressBook, addressOf } from '../correlate/address-book.ts';
import type { Connection } from '../correlate/connection.ts';
import { hasReply } from '../correlate/health.ts';
import { readPoint, type Point } from '../correlate/point.ts';
import { SessionIndex } from '../correlate/sessions.ts';
import { trace, type Conversation, type Trace } from '../correlate/trace.ts';
import type { Hop } from '../findings/evidence.ts';
import type { Phase, PlaceFrames, Side } from './sides.ts';

export interface Location {
  readonly hop: Hop;
  /** `forward`: the SYN ended there; `return`: its answer; `refused`: a RST came from there. */
  readonly direction: 'forward' | 'return' | 'refused';
  /** Failed connections that were followed, and those that ended at this hop. */
  readonly followed: number;
  readonly agreeing: number;
  /** The SYN had TOA at the last point that shows it. */
  readonly hasToa: boolean;
}

export interface Located {
  readonly location: Location | undefined;
  /** TOA was seen at a point, and not at the next, for no good reason. */
  readonly toaLost: Hop | undefined;
  readonly trace: Trace;
  /** In path order: what the trace's points are. */
  readonly stations: readonly Station[];
}

/** A capture point: one side of a place. */
export interface Station {
  readonly place: string;
  readonly phase: Phase;
  readonly side: Side;
}

type End = Pick<Location, 'hop' | 'direction' | 'hasToa'>;

export async function locate(
  places: readonly PlaceFrames[],
  { target, failedPorts }: { target: Endpoint; failedPorts: readonly number[] },
): Promise<Located> {
  const stations = stationsOf(places);
  const book = new AddressBook();
  const points: Point[] = [];
  for (const [number, station] of stations.entries())
    points.push(await readPoint({ book }, { ...sourceOf(places, station) }, number));
  const found = trace({ book, sessions: new SessionIndex({ book }, []) }, points);
  const wanted = found.conversations.filter((conversation) =>
    isOne(found, conversation, target, failedPorts),
  );
  const ends = wanted.flatMap(({ hops }) => endOf(stations, hops) ?? []);
  return {
    trace: found,
    stations,
    location: majority(ends),
    toaLost: toaLostAt(stations, found.conversations),
  };
}

/**
 * The order of the path: everything before the balancer, both sides of it, everything behind.
 * A place named before the balancer may be passed again behind it; then it has seen such packets.
 */
function stationsOf(places: readonly PlaceFrames[]): readonly Station[] {
  const balancer = places.findIndex(({ role }) => role === 'balancer');
  const last = places.length - 1;
  const both = ({ place }: PlaceFrames, phase: Phase): Station[] => [
    { place, phase, side: 'in' },
    { place, phase, side: 'out' },
  ];
  const seen = ({ frames }: PlaceFrames, phase: Phase) =>
    frames[phase].in.length + frames[phase].out.length > 0;
  if (balancer < 0)
    return places.flatMap((one, i) => {
      const phase: Phase = seen(one, 'back') && !seen(one, 'front') ? 'back' : 'front';
      return both(one, phase).filter(({ side }) => (side === 'in' ? i > 0 : i < last));
    });
  const lb = places[balancer];
  return [
    ...places
      .slice(0, balancer)
      .flatMap((one, i) => both(one, 'front').filter(({ side }) => i > 0 || side === 'out')),
    ...(lb === undefined
      ? []
      : [
          { place: lb.place, phase: 'front', side: 'in' } as const,
          { place: lb.place, phase: 'back', side: 'out' } as const,
        ]),
    ...places
      .slice(1, balancer)
      .filter((one) => seen(one, 'back'))
      .flatMap((one) => both(one, 'back')),
    ...places
      .slice(balancer + 1)
      .flatMap((one) => both(one, 'back'))
      .filter(({ place, side }) => side === 'in' || place !== places[last]?.place),
  ];
}

function sourceOf(places: readonly PlaceFrames[], { place, phase, side }: Station) {
  const frames = places.find((one) => one.place === place)?.frames[phase][side] ?? [];
  const name = `${place} ${phase} ${side}`;
  return { name, file: name, chunks: [writePcap(frames, { linkType: LINK_COOKED2 })] };
}

function isOne(
  { book }: Trace,
  { hops: [first] }: Conversation,
  target: Endpoint,
  failedPorts: readonly number[],
): boolean {
  if (first === undefined || first.point !== 0) return false;
  const server = book.socketText(first.serverAddress, first.serverPort);
  return server === formatEndpoint(target) && failedPorts.includes(first.clientPort);
}

/** Undefined when it did not fail. */
function endOf(stations: readonly Station[], hops: readonly Connection[]): End | undefined {
  const deepest = hops.at(-1);
  if (deepest === undefined) return undefined;
  const hasToa = deepest.toa !== undefined;
  const refusing = hops.findLast(({ reset }) => reset?.from === 'server' && reset.isAnswer);
  const atClient = hops[0];
  if (refusing !== undefined && atClient?.reset?.isAnswer === true)
    return { hop: after(stations, refusing.point), direction: 'refused', hasToa };
  const answered = hops.find(hasReply);
  if (answered === undefined)
    return { hop: after(stations, deepest.point), direction: 'forward', hasToa };
  // The answer came as far as this; the hop before it never saw it.
  const from = stations[answered.point];
  const to = stations[answered.point - 1];
  if (from === undefined) return undefined;
  if (to === undefined)
    return atClient?.clientAck === undefined
      ? { hop: { kind: 'inside', place: from.place }, direction: 'return', hasToa }
      : undefined;
  return { hop: hopOf(from, to), direction: 'return', hasToa };
}

function after(stations: readonly Station[], point: number): Hop {
  const from = stations[point];
  if (from === undefined) return { kind: 'unknown' };
  const to = stations[point + 1];
  return to === undefined ? { kind: 'inside', place: from.place } : hopOf(from, to);
}

function hopOf(from: Station, to: Station): Hop {
  return from.place === to.place
    ? { kind: 'inside', place: from.place }
    : { kind: 'between', from: from.place, to: to.place };
}

/** The hop that took TOA out of a SYN and did not restore the client for it. */
function toaLostAt(
  stations: readonly Station[],
  conversations: readonly Conversation[],
): Hop | undefined {
  for (const { hops } of conversations)
    for (const [i, hop] of hops.entries()) {
      const next = hops[i + 1];
      if (hop.toa === undefined || next === undefined || next.toa !== undefined) continue;
      const [from, to] = [stations[hop.point], stations[next.point]];
      const isRestored =
        next.clientAddress === addressOf(hop.toa) && hop.clientAddress !== next.clientAddress;
      if (!isRestored && from !== undefined && to !== undefined) return hopOf(from, to);
    }
  return undefined;
}

function majority(ends: readonly End[]): Location | undefined {
  const counts = new Map<string, { end: End; count: number }>();
  for (const end of ends) {
    const key = `${JSON.stringify(end.hop)} ${end.direction}`;
    counts.set(key, { end, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const [most] = [...counts.values()].toSorted((a, b) => b.count - a.count);
  if (most === undefined) return undefined;
  return { ...most.end, followed: ends.length, agreeing: most.count };
}
