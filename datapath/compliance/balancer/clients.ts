/** Many clients, each with a connection of its own; what the balancer made of their SYNs. */
import assert from 'node:assert/strict';
import { formatEndpoint, parseFrame, type Endpoint } from '../../../packet/index.ts';
import type { BalancerTables, DataPath } from '../../model/index.ts';
import { fromBackend, fromClient, LOCAL_ADDRESS, WEB } from '../network.ts';
import { WEB_TABLES } from '../tables.ts';
import { ACK, CLIENT_FIN, SERVER_FIN, SYN, SYN_ACK, type Segment } from './conversation.ts';

type Balancer = DataPath<BalancerTables>;

/** How the balancer sends a client's packets on. */
export interface Way {
  readonly client: string;
  readonly local: Endpoint;
  readonly backend: string;
}

/** The client number `index`. */
export function client(index: number): string {
  return `10.0.88.${100 + (index % 2)}:${1024 + index}`;
}

/** Sends a client's SYN; undefined when it was refused. */
export function tryOpen(path: Balancer, index: number): Way | undefined {
  return tryOpenFrom(path, client(index));
}

export function tryOpenFrom(path: Balancer, from: string, to: string = WEB): Way | undefined {
  const outcome = path.receive(fromClient({ ...SYN, from, to }), 'front');
  if (outcome.verdict !== 'to-backend') return undefined;
  const packet = parseFrame(outcome.frame);
  assert.ok(packet.ok && packet.value.kind === 'tcp');
  const { ipv4, tcp } = packet.value;
  return {
    client: from,
    local: { address: ipv4.source, port: tcp.sourcePort },
    backend: formatEndpoint({ address: ipv4.destination, port: tcp.destinationPort }),
  };
}

export function open(path: Balancer, index: number): Way {
  const way = tryOpen(path, index);
  assert.ok(way, `client ${index} was refused`);
  return way;
}

export function openFrom(path: Balancer, from: string): Way {
  const way = tryOpenFrom(path, from);
  assert.ok(way, `${from} was refused`);
  return way;
}

/** The rest of the handshake. */
export function establish(path: Balancer, way: Way): void {
  answer(path, way, SYN_ACK);
  send(path, way, ACK);
}

export function close(path: Balancer, way: Way): void {
  send(path, way, CLIENT_FIN);
  answer(path, way, SERVER_FIN);
}

export function send(path: Balancer, way: Way, segment: Segment): void {
  const outcome = path.receive(fromClient({ ...segment, from: way.client }), 'front');
  assert.equal(outcome.verdict, 'to-backend');
}

export function answer(path: Balancer, way: Way, segment: Segment): void {
  const outcome = path.receive(
    fromBackend({ ...segment, to: way.local, from: way.backend }),
    'back',
  );
  assert.equal(outcome.verdict, 'to-client');
}

/** One local with so many ports. */
export function portRange(count: number): BalancerTables {
  return { ...WEB_TABLES, locals: [{ address: LOCAL_ADDRESS, ports: [5000, 4999 + count] }] };
}

export function noFaults(path: Balancer): void {
  assert.deepEqual(path.state().faults, []);
}
