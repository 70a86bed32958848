/** One TCP connection as one capture point saw it: what a trace keeps of all its packets. */
import type { AddressId, SocketKey } from './address-book.ts';

/** Seconds since 1970 by the capturing machine's clock; a double holds them to 0.24 microseconds. */
export type Seconds = number;

export interface Connection {
  /** Number of the capture point, in path order. */
  readonly point: number;
  readonly client: SocketKey;
  readonly server: SocketKey;
  readonly clientAddress: AddressId;
  readonly clientPort: number;
  readonly serverAddress: AddressId;
  readonly serverPort: number;
  readonly firstSeen: Seconds;
  readonly lastSeen: Seconds;
  /** Every SYN, retransmissions too; empty where the capture began in mid-connection. */
  readonly syns: readonly Seconds[];
  readonly synCount: number;
  readonly firstSyn: Seconds | undefined;
  readonly synAcks: readonly Seconds[];
  readonly synAckCount: number;
  readonly firstSynAck: Seconds | undefined;
  /** The client's initial sequence number; of a SYN+ACK alone, what it acknowledges less one. */
  readonly isn: number | undefined;
  readonly serverIsn: number | undefined;
  readonly timestamp: number | undefined;
  readonly serverTimestamp: number | undefined;
  /** IP identification of the first SYN; 0 tells nothing and is left out, and so is IPv6. */
  readonly ipId: number | undefined;
  /** IP length of the first SYN. */
  readonly synBytes: number;
  readonly ttl: number;
  readonly window: number | undefined;
  readonly mss: number | undefined;
  /** Options of the SYN that no translation rewrites, in order; equal where `signature` is. */
  readonly options: string | undefined;
  readonly signature: number | undefined;
  /** The client that TOA names. */
  readonly toa: SocketKey | undefined;
  /** Of the client's first bytes: hash of the beginning, and how many. */
  readonly payloadHash: number | undefined;
  /** First acknowledgment by the client that is no SYN. */
  readonly clientAck: Seconds | undefined;
  /** Bytes sent before the FIN, by each side. */
  readonly clientBytes: number | undefined;
  readonly serverBytes: number | undefined;
  readonly fin: Seconds | undefined;
  readonly reset: Reset | undefined;
  /** The first ICMP error about it, while it was being opened. */
  readonly icmp: IcmpError | undefined;
  /** Acknowledgments without SYN in answer to a SYN: the server knows another connection. */
  readonly strayAcks: readonly Seconds[];
}

export interface Reset {
  readonly time: Seconds;
  readonly from: 'client' | 'server';
  /** It came before any SYN+ACK: the attempt was refused. */
  readonly isAnswer: boolean;
  readonly ttl: number;
}

export interface IcmpError {
  readonly time: Seconds;
  readonly from: AddressId;
  readonly type: number;
  readonly code: number;
}

export function isAttempt(connection: Connection): boolean {
  return connection.firstSyn !== undefined || connection.firstSynAck !== undefined;
}

/** When the attempt began, as far as this point can tell. */
export function startOf(connection: Connection): Seconds {
  return connection.firstSyn ?? connection.firstSynAck ?? connection.firstSeen;
}

export function isSameTuple(a: Connection, b: Connection): boolean {
  return a.client === b.client && a.server === b.server;
}
