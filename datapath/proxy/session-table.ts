/** The sessions of this process, by slot and by who came where. */
import type { Endpoint } from '../../packet/address.ts';
import type { Session, Way } from './session.ts';

/** An address and a port in one exact number. */
type EndNumber = number;

const PORTS = 65_536;

export class SessionTable {
  readonly capacity: number;
  readonly #slots: (Session | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #live = new Set<Session>();
  /** The oldest first. */
  readonly #opening = new Set<Session>();
  /** By listener, then by client; by backend, then by local. */
  readonly #byClient = new Pairs();
  readonly #byServer = new Pairs();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get live(): number {
    return this.#live.size;
  }

  get opening(): number {
    return this.#opening.size;
  }

  /** Slots from here on have never been used. */
  get highWater(): number {
    return this.#slots.length;
  }

  get oldestOpening(): Session | undefined {
    const [oldest] = this.#opening;
    return oldest;
  }

  [Symbol.iterator](): Iterator<Session> {
    return this.#live.values();
  }

  at(slot: number): Session | undefined {
    return this.#slots[slot];
  }

  ofClient(client: Endpoint, at: Endpoint): Session | undefined {
    return this.#byClient.get(at, client);
  }

  ofServer(server: Endpoint, local: Endpoint): Session | undefined {
    return this.#byServer.get(server, local);
  }

  /** Undefined when there is no room. */
  add(make: (slot: number) => Session): Session | undefined {
    if (this.#live.size >= this.capacity) return undefined;
    const slot = this.#free.pop() ?? this.#slots.length;
    const session = make(slot);
    this.#slots[slot] = session;
    this.#live.add(session);
    this.#opening.add(session);
    this.#byClient.set(session.at, session.client, session);
    return session;
  }

  /** From now on it is tried, or goes, another way; the one before is forgotten. */
  lead(session: Session, way: Way | undefined): void {
    if (session.way !== undefined) this.#byServer.delete(session.way.to, session.way.from);
    session.way = way;
    if (way !== undefined) this.#byServer.set(way.to, way.from, session);
  }

  establish(session: Session): void {
    session.state = 'established';
    this.#opening.delete(session);
  }

  remove(session: Session): void {
    if (!this.#live.delete(session)) return;
    this.#opening.delete(session);
    this.#slots[session.slot] = undefined;
    this.#free.push(session.slot);
    this.#byClient.delete(session.at, session.client);
    if (session.way !== undefined) this.#byServer.delete(session.way.to, session.way.from);
  }
}

/** Sessions by two ends. */
class Pairs {
  readonly #pairs = new Map<EndNumber, Map<EndNumber, Session>>();

  get(one: Endpoint, other: Endpoint): Session | undefined {
    return this.#pairs.get(numberOf(one))?.get(numberOf(other));
  }

  set(one: Endpoint, other: Endpoint, session: Session): void {
    const others = this.#pairs.get(numberOf(one)) ?? new Map<EndNumber, Session>();
    this.#pairs.set(numberOf(one), others);
    others.set(numberOf(other), session);
  }

  delete(one: Endpoint, other: Endpoint): void {
    const others = this.#pairs.get(numberOf(one));
    others?.delete(numberOf(other));
    if (others?.size === 0) this.#pairs.delete(numberOf(one));
  }
}

function numberOf({ address, port }: Endpoint): EndNumber {
  return address * PORTS + port;
}
