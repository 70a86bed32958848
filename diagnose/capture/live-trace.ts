/** Captures at several points at once, and follows connections across them while they happen. */
import type { IpEndpoint } from '../../packet/ip.ts';
import { AddressBook } from '../correlate/address-book.ts';
import type { KernelDrop } from '../correlate/kernel-drop.ts';
import { SessionIndex, type SessionRow } from '../correlate/sessions.ts';
import { isFailed, trace, type Conversation, type Trace } from '../correlate/trace.ts';
import { LivePoint } from './live-point.ts';
import { openSource, type Capturer, type Limits } from './sources.ts';

export interface LivePlace {
  readonly name: string;
  /** What stands in reports where a capture file would. */
  readonly file: string;
  readonly capturer: Capturer;
}

export interface LiveSurroundings {
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  /** What balancer and agents know of their sessions, so that nothing is guessed. */
  readonly sessions: () => Promise<readonly SessionRow[]>;
  /** What the kernel threw away so far. */
  readonly drops: () => readonly KernelDrop[];
  /** How a point is captured, before it is. */
  readonly onOpening: (name: string, how: string) => void;
  readonly onReady: () => void;
  readonly onFailure: (trace: Trace, conversation: Conversation) => void;
}

export interface LiveOptions {
  /** Connections from or to these. */
  readonly ends: readonly IpEndpoint[];
  readonly forMs: number;
  readonly untilFailure: boolean;
  readonly limits: Limits;
}

export interface LiveTrace {
  readonly trace: Trace;
  readonly points: readonly LivePoint[];
}

/** A place where nothing can be captured; the message names it. */
export class LiveTraceError extends Error {
  override readonly name = 'LiveTraceError';
}

const TICK_MS = 500;
/** A trace of much takes longer than a tick: no more than a fifth of the time goes into it. */
const REST_SHARE = 4;
/** Until then the answer, or the packet at the next point, may still come: SYNs are sent again after 1 s. */
const SETTLED_MS = 2_500;
/** Packets on their way from the kernel, or through ssh, when everything is over. */
const DRAIN_MS = 500;

export async function liveTrace(
  surroundings: LiveSurroundings,
  places: readonly LivePlace[],
  options: LiveOptions,
): Promise<LiveTrace> {
  const book = new AddressBook();
  const points = await allOpen(book, places, options, surroundings.onOpening);
  try {
    await allReady(points);
    surroundings.onReady();
    await watch(surroundings, options, points, () => snapshot(surroundings, book, points));
    await surroundings.sleep(DRAIN_MS);
  } finally {
    await Promise.all(points.map((point) => point.stop()));
  }
  return { trace: await snapshot(surroundings, book, points), points };
}

/** All of them, or none. */
async function allOpen(
  book: AddressBook,
  places: readonly LivePlace[],
  { ends, limits }: Pick<LiveOptions, 'ends' | 'limits'>,
  onOpening: LiveSurroundings['onOpening'],
): Promise<LivePoint[]> {
  const results = await Promise.allSettled(
    places.map(async ({ name, file, capturer }) => {
      const tell = (how: string) => onOpening(name, how);
      const source = await openSource(capturer, { ends, limits }, tell);
      return new LivePoint({ book, source }, { name, file, limits });
    }),
  );
  const points = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (points.length < places.length) await Promise.all(points.map((point) => point.stop()));
  refuseFailures(places, results);
  return points;
}

async function allReady(points: readonly LivePoint[]): Promise<void> {
  refuseFailures(points, await Promise.allSettled(points.map((point) => point.ready())));
}

function refuseFailures(
  places: readonly { readonly name: string }[],
  results: readonly PromiseSettledResult<unknown>[],
): void {
  const failures = results.flatMap((result, i) =>
    result.status === 'rejected' ? [`${places[i]?.name}: ${(result.reason as Error).message}`] : [],
  );
  if (failures.length > 0) throw new LiveTraceError(failures.join('\n'));
}

async function watch(
  { nowMs, sleep, signal, onFailure }: LiveSurroundings,
  { forMs, untilFailure }: LiveOptions,
  points: readonly LivePoint[],
  look: () => Promise<Trace>,
): Promise<void> {
  const end = nowMs() + forMs;
  const failingSince = new Map<string, number>();
  const told = new Set<string>();
  while (!signal.aborted && nowMs() < end && points.every(({ problem }) => problem === undefined)) {
    await sleep(Math.min(TICK_MS, Math.max(1, end - nowMs())));
    const begun = nowMs();
    const found = await look();
    for (const conversation of found.conversations) {
      const key = keyOf(conversation);
      if (!isFailed(conversation)) failingSince.delete(key);
      else if (!failingSince.has(key)) failingSince.set(key, begun);
      if (begun - (failingSince.get(key) ?? begun) < SETTLED_MS || told.has(key)) continue;
      told.add(key);
      onFailure(found, conversation);
    }
    if (untilFailure && told.size > 0) return;
    await sleep((nowMs() - begun) * REST_SHARE);
  }
}

async function snapshot(
  { sessions, drops }: LiveSurroundings,
  book: AddressBook,
  points: readonly LivePoint[],
): Promise<Trace> {
  const index = new SessionIndex({ book }, await sessions());
  return trace(
    { book, sessions: index, drops: drops() },
    points.map((point, number) => point.point(number)),
  );
}

/** The same attempt at the next look; what began at one point may by then be part of another. */
function keyOf({ hops }: Conversation): string {
  const first = hops[0];
  return first ? `${first.point} ${first.client} ${first.server} ${first.isn}` : '';
}
