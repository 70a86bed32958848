/**
 * The data path of the portable engine: accepts on listeners, connects from locals to
 * backends, and joins the two. Control decides what is in its maps, as in the kernel's.
 */
import type { Socket } from 'node:net';
import {
  formatEndpoint,
  parseIpv4Address,
  type Endpoint,
  type Port,
} from '../../packet/address.ts';
import type { Event, Listener } from '../binding/contract.ts';
import { readAccessLists } from './access.ts';
import { Admissions, type Asked, type Refusal } from './admission.ts';
import { Chooser } from './choose.ts';
import type { Dial } from './dial.ts';
import { Doors } from './doors.ts';
import { overdue, type Limits } from './expiry.ts';
import { Journal } from './journal.ts';
import type { ProxyMaps } from './maps.ts';
import { proxyHeader } from './proxy-protocol.ts';
import { leave, reach, type ReachParts } from './reach.ts';
import { relay, reset } from './relay.ts';
import type { SessionTable } from './session-table.ts';
import { TCP, type Session } from './session.ts';
import { SourcePorts } from './source-ports.ts';

export type Clock = {
  /** As the kernel counts time in its tables. */
  ticks(): number;
  /** CLOCK_MONOTONIC, which control's times in the maps are of. */
  nanoseconds(): number;
};

export type ProxyParts = {
  readonly maps: ProxyMaps;
  readonly sessions: SessionTable;
  readonly clock: Clock;
  readonly secret: readonly [bigint, bigint];
  readonly dial: Dial;
  readonly onEvent: (event: Event) => void;
  /** Something is wrong with the machine. */
  readonly onFault: (data: object, message: string) => void;
};

/** What a configuration says and no map holds. */
export type Orders = Limits & {
  readonly listeners: readonly Endpoint[];
  readonly openingMax: number;
  /** Indices of pools whose backends are told the client by PROXY protocol. */
  readonly announcing: ReadonlySet<number>;
};

/** As the kernel's engine has seats: enough for every client of a busy hour, and a bound. */
const SEATS_MAX = 262_144;

export class Proxy {
  readonly #parts: ProxyParts;
  readonly #journal: Journal;
  readonly #admissions = new Admissions(SEATS_MAX);
  readonly #reaching: ReachParts;
  readonly #doors: Doors;
  #orders: Orders | undefined;
  #listeners = new Map<string, Listener>();

  /** Nothing listens before `place`. */
  constructor(parts: ProxyParts) {
    this.#parts = parts;
    const { maps, sessions, secret, dial, onEvent, onFault } = parts;
    const journal = new Journal(maps, onEvent);
    this.#journal = journal;
    const [chooser, ports] = [new Chooser(maps), new SourcePorts(secret)];
    this.#reaching = {
      ...{ maps, sessions, chooser, ports, dial, journal, onFault },
      nowNs: () => parts.clock.nanoseconds(),
    };
    this.#doors = new Doors({
      onConnection: (socket, at) => void this.#accept(socket, at),
      onError: ({ message }, at) =>
        onFault({ listener: formatEndpoint(at), error: message }, 'a listener has trouble'),
    });
  }

  /** The maps are as they should be: listens where the orders say. Rejects with ListenError. */
  async place(orders: Orders): Promise<void> {
    const { maps } = this.#parts;
    this.#admissions.lists = await readAccessLists(maps.accessPrefixes);
    const listeners = orders.listeners.flatMap((at) => {
      const value = maps.listeners.get({ addr: at.address, port: at.port, protocol: TCP });
      return value === undefined ? [] : [[formatEndpoint(at), value] as const];
    });
    this.#listeners = new Map([...this.#listeners, ...listeners]);
    await this.#doors.place(orders.listeners);
    this.#listeners = new Map(listeners);
    this.#orders = orders;
  }

  /** Ends what was silent for too long; to be called about once a second. */
  sweep(): void {
    const { sessions, clock } = this.#parts;
    if (this.#orders === undefined) return;
    const now = clock.ticks();
    for (const session of sessions) {
      const isBusy = this.#journal.moved(session);
      if (isBusy) session.seen = now;
      if (this.#isOver(session)) {
        this.#journal.verdict('reset-ended');
        end(session);
      } else if (!isBusy && overdue(session, now, this.#orders)) end(session);
    }
    this.#admissions.forgetIdle(clock.nanoseconds());
  }

  /** Its backend was drained or removed, or is down, and the time that it had is over. */
  #isOver({ way }: Session): boolean {
    if (way === undefined) return false;
    const endNs = Number(this.#parts.maps.backendEnds.get(way.backend));
    return endNs !== 0 && endNs <= this.#parts.clock.nanoseconds();
  }

  /** Listens no more, and resets both ends of every session; returns how many there were. */
  async close(): Promise<number> {
    const { sessions } = this.#parts;
    await this.#doors.place([]);
    const { live } = sessions;
    for (const session of sessions) end(session);
    return live;
  }

  async #accept(front: Socket, at: Endpoint): Promise<void> {
    front.on('error', () => {}); // 'close' follows
    const client = peerOf(front);
    const listener = this.#listeners.get(formatEndpoint(at));
    // Gone already, or the listener was removed between.
    if (client === undefined || listener === undefined) return reset(front);
    const { maps, clock } = this.#parts;
    const { index } = listener;
    const asked: Asked = {
      listener: index,
      sessionsMax: listener.sessionsMax,
      live: maps.listenerLive.get(index),
      admission: maps.admissions.get(index),
      client: client.address,
    };
    const subject = { listener: index, client, at };
    const refuse = (refusal: Refusal) => {
      this.#journal.refused(subject, refusal, clock.nanoseconds());
      reset(front);
    };
    const refusal = this.#admissions.refusalOf(asked, clock.nanoseconds());
    if (refusal !== undefined) return refuse(refusal);
    this.#makeRoom(subject);
    const session = this.#newSession(listener, { front, client, at });
    if (session === undefined) return refuse('reset-table-full');
    this.#journal.admitted(session);
    const seat = this.#admissions.begin(asked);
    const ended = () => {
      seat.ended();
      this.#forget(session);
    };
    const failed = await reach(this.#reaching, session);
    if (failed === undefined && session.way !== undefined) {
      seat.established();
      return this.#join(session, session.way.back, ended);
    }
    if (failed !== undefined && !front.destroyed) refuse(failed);
    ended();
  }

  /** The oldest that is opening gives way, as in the kernel. */
  #makeRoom(subject: { listener: number; client: Endpoint; at: Endpoint }): void {
    const { sessions, clock } = this.#parts;
    if (sessions.opening < (this.#orders?.openingMax ?? 0)) return;
    const oldest = sessions.oldestOpening;
    if (oldest === undefined) return;
    this.#journal.note('opening-evicted');
    this.#journal.tell(subject, 'opening-limit', clock.nanoseconds());
    end(oldest);
  }

  #newSession(
    { index: listener, pool }: Listener,
    ends: Pick<Session, 'front' | 'client' | 'at'>,
  ): Session | undefined {
    const { sessions, clock } = this.#parts;
    const now = clock.ticks();
    return sessions.add((slot) => ({
      slot,
      listener,
      pool,
      ...ends,
      state: 'opening',
      closedByClient: false,
      closedByServer: false,
      way: undefined,
      created: now,
      seen: now,
      counted: { in: 0, out: 0 },
    }));
  }

  #join(session: Session, back: Socket, ended: () => void): void {
    const { sessions, clock } = this.#parts;
    sessions.establish(session);
    session.seen = clock.ticks();
    if (this.#orders?.announcing.has(session.pool) === true)
      back.write(proxyHeader(session.client, session.at));
    relay(session.front, back, {
      halfClosed: (side) => {
        session.state = 'closing';
        session.seen = clock.ticks();
        if (side === 'client') session.closedByClient = true;
        else session.closedByServer = true;
      },
      ended,
    });
  }

  #forget(session: Session): void {
    this.#journal.moved(session);
    leave(this.#reaching, session);
    this.#parts.sessions.remove(session);
    this.#journal.ended(session);
  }
}

/** Both ends get a RST; what else there is to do follows from the sockets' close. */
function end({ front, way }: Session): void {
  reset(front);
  if (way !== undefined) reset(way.back);
}

/** Undefined when the client has gone before it was looked at. */
function peerOf({ remoteAddress, remotePort }: Socket): Endpoint | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  const address = parseIpv4Address(remoteAddress);
  return address.ok ? { address: address.value, port: remotePort as Port } : undefined;
}
