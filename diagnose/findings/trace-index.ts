/** What the findings ask of all connections at once, looked up once per trace instead of once per failure. */
import { addressOf, type AddressId, type SocketKey } from '../correlate/address-book.ts';
import { isAttempt, type Connection } from '../correlate/connection.ts';
import type { Conversation, Trace } from '../correlate/trace.ts';
import { ValueIndex, valuesOf } from '../correlate/value-index.ts';

/** A connection at one point, and the conversation that it was found to be part of. */
export interface Sighting {
  readonly connection: Connection;
  readonly conversation: Conversation | undefined;
}

export interface TraceIndex {
  /** Everything seen at any point with these ends, the client's own first. */
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
  const all: Connection[] = [];
  const owners: Conversation[] = [];
  for (const conversation of trace.conversations)
    for (const hop of conversation.hops) {
      all.push(hop);
      owners.push(conversation);
    }
  // What belongs to no conversation began before the captures, and may own a tuple all the same.
  for (const { connections } of trace.points)
    for (const connection of connections) if (!isAttempt(connection)) all.push(connection);
  const byClient = new ValueIndex(valuesOf(all, ({ client }) => client));
  /** Asked for each failure, and clients that fail are few. */
  const ports = new Map<string, ReadonlySet<number>>();
  return {
    withTuple: (client, server) => {
      const group = byClient.group(client);
      if (group < 0) return [];
      const numbers = byClient.members.subarray(byClient.from(group), byClient.from(group + 1));
      return Array.from(numbers).flatMap((number): Sighting[] => {
        const connection = all[number];
        if (connection?.server !== server) return [];
        return [{ connection, conversation: owners[number] }];
      });
    },
    portsOf: (client, server) => {
      const address = addressOf(client);
      const key = `${address} ${server}`;
      const known = ports.get(key) ?? directPorts(all, owners, address, server);
      ports.set(key, known);
      return known;
    },
  };
}

function directPorts(
  all: readonly Connection[],
  owners: readonly Conversation[],
  address: AddressId,
  server: SocketKey,
): Set<number> {
  const found = new Set<number>();
  all.forEach((connection, number) => {
    if (connection.server !== server || connection.clientAddress !== address) return;
    // One that a balancer translated to look like this went to another address.
    const begin = owners[number]?.hops[0] ?? connection;
    if (begin.server === server) found.add(connection.clientPort);
  });
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
