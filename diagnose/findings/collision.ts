/**
 * The tuple that restoring the client's address would give belongs to another connection already.
 *
 * Needs the hop that lost the SYN, who the client is (TOA, or the source at the first point), and
 * the server's end. Proved by another connection with the restored tuple that was alive, or had
 * ended within its linger time, when the SYN came. Where no connection shows that the host
 * restores addresses at all, it says so. Ruled out by nothing here: an owner older than the
 * captures shows in none of them.
 */
import type { SocketKey } from '../correlate/address-book.ts';
import type { Connection, Seconds } from '../correlate/connection.ts';
import { onFirstClock } from '../correlate/health.ts';
import type { Conversation, Trace } from '../correlate/trace.ts';
import type { Finding, FindingRule } from './finding.ts';
import { clientOf, indexOf } from './trace-index.ts';

type OwnerState = 'opening' | 'established' | 'closing' | 'reset';

interface Life {
  readonly state: OwnerState;
  readonly ageSeconds: Seconds;
  readonly endedSeconds: Seconds | undefined;
}

interface Owner extends Life {
  readonly connection: Connection;
  /** The same where it was seen first. */
  readonly begin: Connection;
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
  if (client === undefined || !last) return [];
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
function backendsOf(trace: Trace, conversation: Conversation, client: SocketKey): SocketKey[] {
  const [first, last] = [conversation.hops[0], conversation.hops.at(-1)];
  if (!first || !last) return [];
  if (last.client !== client || conversation.hops.length > 1) return [last.server];
  return [...(indexOf(trace).backends.get(first.server) ?? [])];
}

/** The latest connection with the restored tuple that still had it; points behind the box first. */
function ownerOf(
  trace: Trace,
  { hops }: Conversation,
  { client, backend }: { client: SocketKey; backend: SocketKey },
  at: Seconds,
): Owner | undefined {
  const same = indexOf(trace).withTuple(client, backend);
  const owners = same.flatMap(({ connection, conversation }): Owner[] => {
    if (hops.includes(connection)) return [];
    const life = stateAt(trace, connection, at);
    return life ? [{ ...life, connection, begin: conversation?.hops[0] ?? connection }] : [];
  });
  return owners.toSorted(
    (a, b) => b.connection.point - a.connection.point || a.ageSeconds - b.ageSeconds,
  )[0];
}

function stateAt(trace: Trace, connection: Connection, at: Seconds): Life | undefined {
  const time = (own: Seconds) => onFirstClock(trace, connection.point, own);
  const ageSeconds = at - time(connection.firstSeen);
  if (ageSeconds <= 0) return undefined;
  const reset = connection.reset && time(connection.reset.time);
  const fin = connection.fin && time(connection.fin);
  if (reset !== undefined && reset < at)
    return at - reset <= LINGER_RESET_SECONDS
      ? { state: 'reset', ageSeconds, endedSeconds: at - reset }
      : undefined;
  if (fin !== undefined && fin < at) {
    const ended = at - Math.min(at, time(connection.lastSeen));
    return ended <= LINGER_SECONDS
      ? { state: 'closing', ageSeconds, endedSeconds: ended }
      : undefined;
  }
  const isOpening = connection.synCount > 0 && connection.synAckCount === 0;
  const state = isOpening && connection.clientAck === undefined ? 'opening' : 'established';
  return { state, ageSeconds, endedSeconds: undefined };
}

function found(
  trace: Trace,
  { hops }: Conversation,
  { client, backend }: { client: SocketKey; backend: SocketKey },
  { connection, begin, state, ageSeconds, endedSeconds }: Owner,
  isRestored: boolean,
): Finding {
  const { book } = trace;
  const tuple = tupleText(trace, client, backend);
  const listener = book.keyText(begin.server);
  const isDirect = begin.server === backend;
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
        client: book.keyText(connection.client),
        server: book.keyText(connection.server),
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
  client: SocketKey,
  backends: readonly SocketKey[],
  isRestored: boolean,
): readonly Finding[] {
  const hasToa = hops.some(({ toa }) => toa !== undefined);
  if (!isRestored && !hasToa) return [];
  const [backend] = backends;
  if (backend === undefined) return [];
  const direct = new Set(indexOf(trace).portsOf(client, backend));
  for (const hop of hops) if (hop.server === backend) direct.delete(hop.clientPort);
  if (direct.size === 0) return [];
  const tuple = tupleText(trace, client, backend);
  return [
    {
      code: 'collision-possible',
      message:
        `perhaps a collision: this client also uses ${trace.book.keyText(backend)} ` +
        `directly (${direct.size} ports seen); a connection ${tuple} older than the captures would own the tuple`,
      evidence: { tuple, directPorts: [...direct].slice(0, 100) },
    },
  ];
}

function tupleText({ book }: Trace, client: SocketKey, server: SocketKey): string {
  return `${book.keyText(client)} > ${book.keyText(server)}`;
}

function rounded(seconds: Seconds): number {
  return Math.round(seconds * 1000) / 1000;
}
