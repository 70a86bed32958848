/** One TCP connection as one capture point saw it: what a trace keeps of all its packets. */
import type { AddressId } from './address-book.ts';

/** Seconds since 1970 by the capturing machine's clock; a double holds them to 0.24 microseconds. */
export type Seconds = number;

export interface Connection {
  /** Number of the capture point, in path order. */
  readonly point: number;
  readonly clientAddress: AddressId;
  readonly clientPort: number;
  readonly serverAddress: AddressId;
  readonly serverPort: number;
  firstSeen: Seconds;
  lastSeen: Seconds;
  /** Every SYN, retransmissions too; empty where the capture began in mid-connection. */
  readonly syns: Seconds[];
  readonly synAcks: Seconds[];
  /** The client's initial sequence number; of a SYN+ACK alone, what it acknowledges less one. */
  isn: number | undefined;
  serverIsn: number | undefined;
  timestamp: number | undefined;
  serverTimestamp: number | undefined;
  /** IP identification of the first SYN; 0 tells nothing and is left out, and so is IPv6. */
  ipId: number | undefined;
  /** IP length of the first SYN. */
  synBytes: number;
  ttl: number;
  window: number | undefined;
  mss: number | undefined;
  /** Options of the SYN that no translation rewrites, in order. */
  options: string | undefined;
  toa: { readonly address: AddressId; readonly port: number } | undefined;
  /** Of the client's first bytes: hash of the beginning, and how many. */
  payloadHash: number | undefined;
  /** First acknowledgment by the client that is no SYN. */
  clientAck: Seconds | undefined;
  /** Bytes sent before the FIN, by each side. */
  clientBytes: number | undefined;
  serverBytes: number | undefined;
  fin: Seconds | undefined;
  reset: Reset | undefined;
  /** Acknowledgments without SYN in answer to a SYN: the server knows another connection. */
  readonly strayAcks: Seconds[];
  clientSegments: number;
}

export interface Reset {
  readonly time: Seconds;
  readonly from: 'client' | 'server';
  /** It came before any SYN+ACK: the attempt was refused. */
  readonly isAnswer: boolean;
  readonly ttl: number;
}

export function isAttempt(connection: Connection): boolean {
  return connection.syns.length > 0 || connection.synAcks.length > 0;
}

/** When the attempt began, as far as this point can tell. */
export function startOf(connection: Connection): Seconds {
  return connection.syns[0] ?? connection.synAcks[0] ?? connection.firstSeen;
}

export function isSameTuple(a: Connection, b: Connection): boolean {
  return (
    a.clientPort === b.clientPort &&
    a.serverPort === b.serverPort &&
    a.clientAddress === b.clientAddress &&
    a.serverAddress === b.serverAddress
  );
}
