/** A session: its life, which both directions share, and how the packets of each direction leave. */
import type { SessionKind, SessionState } from './words.ts';
import type { SessionView, Side } from './data-path.ts';
import { tupleOf, type Flow } from './flow.ts';
import { NO_SHIFT, NOT_ENDED, type Last, type Shift } from './shift.ts';
import type { Splice } from './splice.ts';
import type { Ticks } from './world.ts';

export interface Session {
  /** Never `free`: then there is none. */
  state: SessionState;
  readonly kind: SessionKind;
  /** As received from the client's side, and from the server's. */
  readonly front: Flow;
  readonly back: Flow;
  /** Who has sent a FIN, and who a RST. */
  closedBy: ReadonlySet<Side>;
  resetBy: ReadonlySet<Side>;
  seen: Ticks;
  created: Ticks;
  /** Initial sequence numbers; after a gigabyte moved, so that with the bytes counted they say where each side has come. */
  /** The client's, as the server sees it. */
  frontIsn: number;
  /** The server's; 0 until its SYN+ACK. */
  backIsn: number;
  reopened: boolean;
  /** The server has sent nothing yet. */
  awaited: boolean;
  /** By how much the client's numbers are moved for the server. */
  readonly shift: Shift;
  last: Last;
  /** While it opens: the last numbers of the connection before it on its tuple. */
  before: Last;
  /** Opened by a SYN cookie. */
  splice: Splice | undefined;
  readonly adopted: boolean;
  /** The local, or the remap range, whose port it holds. */
  readonly local: number | undefined;
  readonly backend: number;
  readonly listener: number;
  /** Balancer: the client that it counts for, where clients are limited. */
  client: string | undefined;
  /** Agent: the peer port that the server sees unless there is a collision. */
  readonly wantedPort: number;
}

/** How a packet with one of a session's two tuples leaves. */
export interface Direction {
  readonly side: Side;
  readonly session: Session;
  readonly leaves: Flow;
  /** Established when it last looked: until a second has passed, data need not look again. */
  established: boolean;
  seen: Ticks;
  /** The server's ISN + 1, 0 until this direction knows it: who acknowledges that completes the handshake. */
  handshakeAck: number;
  /** Of IP packets with this tuple. */
  receivedBytes: number;
}

/** A bare session for these tuples. */
export function newSession(
  what: Pick<Session, 'kind' | 'front' | 'back' | 'frontIsn' | 'local' | 'backend'> &
    Partial<Session>,
): Session {
  return {
    state: 'opening',
    closedBy: NOBODY,
    resetBy: NOBODY,
    seen: 0,
    created: 0,
    backIsn: 0,
    reopened: false,
    awaited: true,
    shift: NO_SHIFT,
    last: NOT_ENDED,
    before: NOT_ENDED,
    splice: undefined,
    adopted: false,
    listener: 0,
    client: undefined,
    wantedPort: 0,
    ...what,
  };
}

export const NOBODY: ReadonlySet<Side> = new Set();

export function isLive({ state }: Session): boolean {
  return state === 'opening' || state === 'established' || state === 'closing';
}

/** Its tuple is still the ends', so nobody else gets it. */
export function isResting({ state }: Session): boolean {
  return state === 'time-wait' || state === 'reset';
}

/**
 * True when a session has ended for both sides: after two FINs, or one and a RST. A RST
 * alone can be forged, and leaves a connection behind that lives.
 */
export function isReusable(session: Session): boolean {
  return isResting(session) && session.closedBy.size > 0 && session.last.sequence !== undefined;
}

export function viewOfSession(session: Session): SessionView {
  return {
    state: session.state,
    kind: session.kind,
    shift: session.shift,
    front: tupleOf(session.front),
    back: tupleOf(session.back),
    closedBy: (['front', 'back'] as const).filter((side) => session.closedBy.has(side)),
    flags: (['remapped', 'adopted', 'reopened'] as const).filter((flag) =>
      flag === 'remapped' ? isRemapped(session) : session[flag],
    ),
  };
}

/** Agent: the server sees another port than the client's. */
function isRemapped({ kind, local }: Session): boolean {
  return kind !== 'balanced' && local !== undefined;
}
