/** What the findings ask of all connections at once, looked up once per trace instead of once per failure. */
import { addressOf, type AddressId, type SocketKey } from '../correlate/address-book.ts';
import { isAttempt, type Connection } from '../correlate/connection.ts';
import { isFailed, type Conversation, type Trace } from '../correlate/trace.ts';

/** A connection at one point, and the conversation that it was found to be part of. */
export interface Sighting {
  readonly connection: Connection;
  readonly conversation: Conversation | undefined;
}

export interface TraceIndex {
  /** Everything seen at any point with these ends, for the client of a failed conversation. */
  readonly withTuple: (client: SocketKey, server: SocketKey) => readonly Sighting[];
  /** Ports from which the client's address went to the server itself, at any point. */
  readonly portsOf: (client: SocketKey, server: SocketKey) => ReadonlySet<number>;
  /** Servers that connections to a listener ended up at. */
  readonly backends: ReadonlyMap<SocketKey, ReadonlySet<SocketKey>>;
  /** By point, and server as seen there: the points that such connections were followed to. */
  readonly reached: readonly ReadonlyMap<SocketKey, ReadonlySet<number>>[];
  /** By point: behind it, some connection has the client's address put back. */
  readonly restoredBehind: readonly boolean[];
}

const indices = new WeakMap<Trace, TraceIndex>();

export function indexOf(trace: Trace): TraceIndex {
  const known = indices.get(trace);
  if (known) return known;
  const index = build(trace);
  indices.set(trace, index);
  return index;
}

/** Who the server should see: TOA says so, or it is whom the first point saw. */
export function clientOf({ hops }: Conversation): SocketKey | undefined {
  return hops.findLast((hop) => hop.toa !== undefined)?.toa ?? hops[0]?.client;
}

function build(trace: Trace): TraceIndex {
  const backends = new Map<SocketKey, Set<SocketKey>>();
  const reached = trace.points.map(() => new Map<SocketKey, Set<number>>());
  const restoredBehind = trace.points.map(() => false);
  for (const conversation of trace.conversations) {
    noteReached(reached, conversation);
    noteBackend(backends, conversation);
    noteRestoration(restoredBehind, conversation);
  }
  return { ...lookups(trace), backends, reached, restoredBehind };
}

function lookups(trace: Trace): Pick<TraceIndex, 'withTuple' | 'portsOf'> {
  // Failures are few, and so are their clients: an index of all connections would take longer.
  const byClient = new Map<SocketKey, Sighting[]>();
  for (const conversation of trace.conversations) {
    const client = isFailed(conversation) ? clientOf(conversation) : undefined;
    if (client !== undefined) byClient.set(client, []);
  }
  const see = (connection: Connection, conversation: Conversation | undefined) =>
    byClient.get(connection.client)?.push({ connection, conversation });
  for (const conversation of trace.conversations)
    for (const hop of conversation.hops) see(hop, conversation);
  // What belongs to no conversation began before the captures, and may own a tuple all the same.
  const older = trace.points.flatMap(({ connections }) =>
    connections.filter((connection) => !isAttempt(connection)),
  );
  for (const connection of older) see(connection, undefined);
  const ports = new Map<string, ReadonlySet<number>>();
  return {
    withTuple: (client, server) =>
      (byClient.get(client) ?? []).filter(({ connection }) => connection.server === server),
    portsOf: (client, server) => {
      const address = addressOf(client);
      const key = `${address} ${server}`;
      const known = ports.get(key) ?? directPorts(trace, older, address, server);
      ports.set(key, known);
      return known;
    },
  };
}

function directPorts(
  { conversations }: Trace,
  older: readonly Connection[],
  address: AddressId,
  server: SocketKey,
): Set<number> {
  const found = new Set<number>();
  const note = (connection: Connection) => {
    if (connection.server === server && connection.clientAddress === address)
      found.add(connection.clientPort);
  };
  for (const { hops } of conversations)
    // One that a balancer translated to look like this went to another address.
    if (hops[0]?.server === server) for (const hop of hops) note(hop);
  for (const connection of older) note(connection);
  return found;
}

function noteReached(reached: readonly Map<SocketKey, Set<number>>[], { hops }: Conversation) {
  for (const { point, server } of hops) {
    const followed = reached[point];
    const points = followed?.get(server) ?? new Set<number>();
    if (points.size === 0) followed?.set(server, points);
    for (const hop of hops) points.add(hop.point);
  }
}

function noteBackend(backends: Map<SocketKey, Set<SocketKey>>, { hops }: Conversation): void {
  const [listener, server] = [hops[0]?.server, hops.at(-1)?.server];
  if (listener === undefined || server === undefined || listener === server) return;
  const known = backends.get(listener);
  if (known) known.add(server);
  else backends.set(listener, new Set([server]));
}

function noteRestoration(restoredBehind: boolean[], conversation: Conversation): void {
  const client = clientOf(conversation);
  if (client === undefined) return;
  const address = addressOf(client);
  let before: Connection | undefined;
  for (const hop of conversation.hops) {
    if (before && before.clientAddress !== address && hop.clientAddress === address)
      for (let point = before.point; point < hop.point; point += 1) restoredBehind[point] = true;
    before = hop;
  }
}
