/** What the findings ask of all connections at once, looked up once per trace instead of once per failure. */
import { socketKey, type AddressId, type SocketKey } from '../correlate/address-book.ts';
import type { Connection } from '../correlate/connection.ts';
import type { Conversation, Trace } from '../correlate/trace.ts';

export interface End {
  readonly address: AddressId;
  readonly port: number;
}

export interface TraceIndex {
  /** By the client's own end, at every point, points in path order. */
  readonly bySource: ReadonlyMap<SocketKey, readonly Connection[]>;
  readonly byAddress: ReadonlyMap<AddressId, readonly Connection[]>;
  readonly conversationOf: ReadonlyMap<Connection, Conversation>;
  /** Servers that connections to a listener ended up at. */
  readonly backends: ReadonlyMap<SocketKey, ReadonlyMap<SocketKey, End>>;
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
export function clientOf({ hops }: Conversation): End | undefined {
  const toa = hops.findLast((hop) => hop.toa !== undefined)?.toa;
  if (toa) return toa;
  const [first] = hops;
  return first && { address: first.clientAddress, port: first.clientPort };
}

export function serverOf({ serverAddress, serverPort }: Connection): End {
  return { address: serverAddress, port: serverPort };
}

export function endKey({ address, port }: End): SocketKey {
  return socketKey(address, port);
}

function build(trace: Trace): TraceIndex {
  const bySource = new Map<SocketKey, Connection[]>();
  const byAddress = new Map<AddressId, Connection[]>();
  for (const { connections } of trace.points)
    for (const one of connections) {
      put(bySource, socketKey(one.clientAddress, one.clientPort), one);
      put(byAddress, one.clientAddress, one);
    }
  const conversationOf = new Map<Connection, Conversation>();
  const backends = new Map<SocketKey, Map<SocketKey, End>>();
  const reached = trace.points.map(() => new Map<SocketKey, Set<number>>());
  const restoredBehind = trace.points.map(() => false);
  for (const conversation of trace.conversations) {
    const { hops } = conversation;
    for (const hop of hops) {
      conversationOf.set(hop, conversation);
      const followed = reached[hop.point];
      const key = endKey(serverOf(hop));
      const points = followed?.get(key) ?? new Set<number>();
      for (const { point } of hops) points.add(point);
      followed?.set(key, points);
    }
    noteBackend(backends, conversation);
    noteRestoration(restoredBehind, conversation);
  }
  return { bySource, byAddress, conversationOf, backends, reached, restoredBehind };
}

function noteBackend(backends: Map<SocketKey, Map<SocketKey, End>>, { hops }: Conversation): void {
  const [first, last] = [hops[0], hops.at(-1)];
  if (!first || !last || first === last) return;
  const [listener, server] = [endKey(serverOf(first)), serverOf(last)];
  if (listener === endKey(server)) return;
  const known = backends.get(listener) ?? new Map<SocketKey, End>();
  known.set(endKey(server), server);
  backends.set(listener, known);
}

function noteRestoration(restoredBehind: boolean[], conversation: Conversation): void {
  const client = clientOf(conversation);
  conversation.hops.forEach((hop, i) => {
    const before = conversation.hops[i - 1];
    if (!before || before.clientAddress === client?.address) return;
    if (hop.clientAddress !== client?.address) return;
    for (let point = before.point; point < hop.point; point += 1) restoredBehind[point] = true;
  });
}

function put<K>(index: Map<K, Connection[]>, key: K, connection: Connection): void {
  const list = index.get(key);
  if (list) list.push(connection);
  else index.set(key, [connection]);
}
