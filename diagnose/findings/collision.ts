/**
 * The tuple that restoring the client's address would give belongs to another connection already.
 *
 * Needs the hop that lost the SYN, who the client is (TOA, or the source at the first point), and
 * the server's end. Proved by another connection with the restored tuple that was alive, or had
 * ended within its linger time, when the SYN came. Where no connection shows that the host
 * restores addresses at all, it says so. Ruled out by nothing here: an owner older than the
 * captures shows in none of them.
 */
import type { Connection, Seconds } from '../correlate/connection.ts';
import { onFirstClock } from '../correlate/health.ts';
import type { Conversation, Trace } from '../correlate/trace.ts';
import type { Finding, FindingRule } from './finding.ts';
import { clientOf, endKey, indexOf, serverOf, type End } from './trace-index.ts';

type OwnerState = 'opening' | 'established' | 'closing' | 'reset';

interface Owner {
  readonly connection: Connection;
  readonly state: OwnerState;
  readonly ageSeconds: Seconds;
  readonly endedSeconds: Seconds | undefined;
}

/** How long others keep an ended connection: nf_conntrack_tcp_timeout_time_wait, and _close. */
const LINGER_SECONDS = 120;
const LINGER_RESET_SECONDS = 10;

export const collision: FindingRule = (trace, conversation) => {
  const { verdict } = conversation;
  if (verdict.outcome !== 'lost' && verdict.outcome !== 'unanswered') return [];
  if (verdict.direction !== 'forward' || !verdict.lostBetween) return [];
  const client = clientOf(conversation);
  const last = conversation.hops.at(-1);
  if (!client || !last) return [];
  const isRestored = indexOf(trace).restoredBehind[verdict.lostBetween[0]] ?? false;
  const backends = backendsOf(trace, conversation, client);
  const at = onFirstClock(trace, last.point, last.syns[0] ?? last.firstSeen);
  for (const backend of backends) {
    const owner = ownerOf(trace, conversation, { client, backend }, at);
    if (owner) return [found(trace, conversation, { client, backend }, owner, isRestored)];
  }
  return possible(trace, conversation, client, backends, isRestored);
};

/** Where it went: the translated server, or where others to the same listener went. */
function backendsOf(trace: Trace, conversation: Conversation, client: End): readonly End[] {
  const [first, last] = [conversation.hops[0], conversation.hops.at(-1)];
  if (!first || !last) return [];
  const isTranslated = last.clientAddress !== client.address || last.clientPort !== client.port;
  if (isTranslated || conversation.hops.length > 1) return [serverOf(last)];
  return [
    ...(indexOf(trace)
      .backends.get(endKey(serverOf(first)))
      ?.values() ?? []),
  ];
}

/** The latest connection with the restored tuple that still had it; points behind the box first. */
function ownerOf(
  trace: Trace,
  { hops }: Conversation,
  { client, backend }: { client: End; backend: End },
  at: Seconds,
): Owner | undefined {
  const same = indexOf(trace).bySource.get(endKey(client)) ?? [];
  const owners = same.flatMap((connection): Owner[] => {
    if (hops.includes(connection) || !isSameEnd(serverOf(connection), backend)) return [];
    const owner = stateAt(trace, connection, at);
    return owner ? [owner] : [];
  });
  return owners.toSorted(
    (a, b) => b.connection.point - a.connection.point || a.ageSeconds - b.ageSeconds,
  )[0];
}

function stateAt(trace: Trace, connection: Connection, at: Seconds): Owner | undefined {
  const time = (own: Seconds) => onFirstClock(trace, connection.point, own);
  const ageSeconds = at - time(connection.firstSeen);
  if (ageSeconds <= 0) return undefined;
  const reset = connection.reset && time(connection.reset.time);
  const fin = connection.fin && time(connection.fin);
  if (reset !== undefined && reset < at)
    return at - reset <= LINGER_RESET_SECONDS
      ? { connection, state: 'reset', ageSeconds, endedSeconds: at - reset }
      : undefined;
  if (fin !== undefined && fin < at) {
    const ended = at - Math.min(at, time(connection.lastSeen));
    return ended <= LINGER_SECONDS
      ? { connection, state: 'closing', ageSeconds, endedSeconds: ended }
      : undefined;
  }
  const isOpening = connection.syns.length > 0 && connection.synAcks.length === 0;
  const state = isOpening && connection.clientAck === undefined ? 'opening' : 'established';
  return { connection, state, ageSeconds, endedSeconds: undefined };
}

function found(
  trace: Trace,
  { hops }: Conversation,
  { client, backend }: { client: End; backend: End },
  { connection, state, ageSeconds, endedSeconds }: Owner,
  isRestored: boolean,
): Finding {
  const { book } = trace;
  const tuple = tupleText(trace, client, backend);
  const chain = indexOf(trace).conversationOf.get(connection);
  const begin = chain?.hops[0] ?? connection;
  const listener = book.socketText(begin.serverAddress, begin.serverPort);
  const isDirect = isSameEnd(serverOf(begin), backend);
  const kind = isDirect ? 'a direct connection' : `a connection through ${listener}`;
  const where = trace.points[connection.point]?.name ?? '?';
  const life =
    endedSeconds === undefined
      ? `${state}, age ${rounded(ageSeconds)} s`
      : `${state}, ended ${rounded(endedSeconds)} s before`;
  const owned = `is owned by ${kind} (${life}, seen at ${where})`;
  return {
    code: 'collision',
    message: isRestored
      ? `the tuple that restoring the client needs, ${tuple}, ${owned}`
      : `if this host restores client addresses: the tuple it needs, ${tuple}, ${owned}`,
    evidence: {
      tuple,
      restoration: isRestored ? 'observed' : 'hypothetical',
      owner: {
        client: book.socketText(connection.clientAddress, connection.clientPort),
        server: book.socketText(connection.serverAddress, connection.serverPort),
        kind: isDirect ? 'direct' : 'balanced',
        state,
        ageSeconds: rounded(ageSeconds),
        endedSeconds: endedSeconds === undefined ? null : rounded(endedSeconds),
        point: where,
      },
      toa: hops.some(({ toa }) => toa !== undefined),
    },
  };
}

/** No owner in the captures, but the client talks to the server directly too: it may be older. */
function possible(
  trace: Trace,
  { hops }: Conversation,
  client: End,
  backends: readonly End[],
  isRestored: boolean,
): readonly Finding[] {
  const hasToa = hops.some(({ toa }) => toa !== undefined);
  if (!isRestored && !hasToa) return [];
  const others = indexOf(trace).byAddress.get(client.address) ?? [];
  const direct = new Set<number>();
  for (const one of others)
    if (backends.some((backend) => isSameEnd(serverOf(one), backend)) && !hops.includes(one))
      direct.add(one.clientPort);
  const [backend] = backends;
  if (direct.size === 0 || !backend) return [];
  const tuple = tupleText(trace, client, backend);
  return [
    {
      code: 'collision-possible',
      message:
        `perhaps a collision: this client also uses ${trace.book.socketText(backend.address, backend.port)} ` +
        `directly (${direct.size} ports seen); a connection ${tuple} older than the captures would own the tuple`,
      evidence: { tuple, directPorts: [...direct].slice(0, 100) },
    },
  ];
}

function isSameEnd(a: End, b: End): boolean {
  return a.address === b.address && a.port === b.port;
}

function tupleText({ book }: Trace, client: End, server: End): string {
  return `${book.socketText(client.address, client.port)} > ${book.socketText(server.address, server.port)}`;
}

function rounded(seconds: Seconds): number {
  return Math.round(seconds * 1000) / 1000;
}
