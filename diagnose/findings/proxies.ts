/**
 * Connections that end at a box, and others that begin behind it: a proxy, which is no translation.
 *
 * Needs a server as one point sees it whose connections are answered there and not one of which is
 * followed to any later point, and connections that begin at the next point that shows any, each
 * shortly after one of those. Ruled out by a single connection that is followed.
 */
import type { SocketKey } from '../correlate/address-book.ts';
import { startOf, type Connection, type Seconds } from '../correlate/connection.ts';
import { onFirstClock } from '../correlate/health.ts';
import type { Conversation, Trace } from '../correlate/trace.ts';
import type { Finding, FindingRule } from './finding.ts';

interface Proxy {
  readonly point: number;
  readonly server: SocketKey;
  readonly finding: Finding;
}

/** What a proxy takes to open its own connection; slower ones are told apart no more. */
const SOON_SECONDS = 1;
/** Of those that end at the box, how many have another that begins behind it. */
const SHARE_LEAST = 0.5;

const proxies = new WeakMap<Trace, readonly Proxy[]>();

/** One for each server that a proxy stands for. */
export function proxiesOf(trace: Trace): readonly Finding[] {
  return found(trace).map(({ finding }) => finding);
}

/** A failed connection to such a server: what is behind the proxy is another one. */
export const behindProxy: FindingRule = (trace, { hops }) => {
  const last = hops.at(-1);
  return found(trace).flatMap(({ point, server, finding }) =>
    last?.point === point && last.server === server ? [finding] : [],
  );
};

function found(trace: Trace): readonly Proxy[] {
  const known = proxies.get(trace) ?? search(trace);
  proxies.set(trace, known);
  return known;
}

function search(trace: Trace): Proxy[] {
  const begun = trace.points.map((): Connection[] => []);
  const ended = trace.points.map(() => new Map<SocketKey, Connection[]>());
  const followed = trace.points.map(() => new Set<SocketKey>());
  for (const conversation of trace.conversations) note(conversation, { begun, ended, followed });
  return trace.points.flatMap((_, point) =>
    [...(ended[point] ?? [])].flatMap(([server, connections]): Proxy[] => {
      if (followed[point]?.has(server)) return [];
      const next = begun.findIndex((list, number) => number > point && list.length > 0);
      const behind = next < 0 ? undefined : partner(trace, connections, begun[next] ?? []);
      if (!behind) return [];
      return [
        { point, server, finding: sentence(trace, point, server, behind, connections.length) },
      ];
    }),
  );
}

function note(
  { hops, ambiguous }: Conversation,
  lists: {
    begun: Connection[][];
    ended: Map<SocketKey, Connection[]>[];
    followed: Set<SocketKey>[];
  },
): void {
  const [first, last] = [hops[0], hops.at(-1)];
  if (!first || !last) return;
  if (first.point > 0) lists.begun[first.point]?.push(first);
  for (const hop of hops) if (hop !== last) lists.followed[hop.point]?.add(hop.server);
  if (ambiguous.length > 0 || last.firstSynAck === undefined) return;
  const list = lists.ended[last.point]?.get(last.server);
  if (list) list.push(last);
  else lists.ended[last.point]?.set(last.server, [last]);
}

/** One that begins behind the box, if they begin when the others do. */
function partner(
  trace: Trace,
  ended: readonly Connection[],
  begun: readonly Connection[],
): Connection | undefined {
  const time = (one: Connection): Seconds => onFirstClock(trace, one.point, startOf(one));
  const starts = begun.map(time).toSorted((a, b) => a - b);
  const withPartner = ended.filter((one) => {
    const at = time(one);
    const next = starts[firstNotBefore(starts, at)];
    return next !== undefined && next <= at + SOON_SECONDS;
  });
  return withPartner.length >= ended.length * SHARE_LEAST ? begun[0] : undefined;
}

function firstNotBefore(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sentence(
  { book, points }: Trace,
  point: number,
  server: SocketKey,
  behind: Connection,
  connections: number,
): Finding {
  const [before, after] = [points[point]?.name ?? '?', points[behind.point]?.name ?? '?'];
  const other = `${book.text(behind.clientAddress)} > ${book.keyText(behind.server)}`;
  return {
    code: 'not-the-same-connection',
    message:
      `connections to ${book.keyText(server)} end between ${before} and ${after}, and others begin there ` +
      `(${other}): not the same connection, as behind a proxy; trace each side by itself`,
    evidence: {
      between: [before, after],
      listener: book.keyText(server),
      behind: { client: book.text(behind.clientAddress), server: book.keyText(behind.server) },
      connections,
    },
  };
}
