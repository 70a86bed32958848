/** One connection of a client, and the one to a backend that it is joined with. */
import type { Socket } from 'node:net';
import type { Endpoint, Ipv4Address, Port } from '../../packet/address.ts';
import {
  CLOSED_BY_BACK,
  CLOSED_BY_FRONT,
  NO_SLOT,
  SESSION_STATE,
  type Flow4,
  type SessionSlot,
} from '../binding/contract.ts';

export const TCP = 6;
export const NO_END: Endpoint = { address: 0 as Ipv4Address, port: 0 as Port };

export type Session = {
  readonly slot: number;
  /** Index of the listener. */
  readonly listener: number;
  readonly pool: number;
  readonly at: Endpoint;
  readonly client: Endpoint;
  readonly front: Socket;
  state: 'opening' | 'established' | 'closing';
  closedByClient: boolean;
  closedByServer: boolean;
  /** What it is connected to, or is trying to; undefined before the first try. */
  way: Way | undefined;
  /** Ticks, as the kernel counts them. */
  readonly created: number;
  seen: number;
  /** Bytes of the client and of the server, as they were looked at last. */
  counted: { in: number; out: number };
};

export type Way = {
  /** Index of the backend. */
  readonly backend: number;
  readonly to: Endpoint;
  /** Index of the local. */
  readonly local: number;
  readonly from: Endpoint;
  readonly back: Socket;
};

/** As the kernel's session table has it. */
export function slotOf(session: Session): SessionSlot {
  const { way, state, closedByClient, closedByServer } = session;
  const closed = (closedByClient ? CLOSED_BY_FRONT : 0) | (closedByServer ? CLOSED_BY_BACK : 0);
  return {
    front: flow(session.client, session.at),
    back: flow(way?.to ?? NO_END, way?.from ?? NO_END),
    word: SESSION_STATE[state] | closed,
    seen: session.seen,
    created: session.created,
    frontIsn: 0,
    backIsn: 0,
    listener: session.listener,
    backend: way?.backend ?? 0,
    local: way?.local ?? 0,
    kind: 'balanced',
    flags: 0,
    seat: NO_SLOT,
    wantedPort: 0 as Port,
  };
}

export function flow(from: Endpoint, to: Endpoint): Flow4 {
  return {
    sourceAddr: from.address,
    destinationAddr: to.address,
    sourcePort: from.port,
    destinationPort: to.port,
    protocol: TCP,
  };
}
