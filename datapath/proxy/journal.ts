/** What is counted and told: refusals, traffic, the accounts of local ports, events. */
import type { Endpoint, Port } from '../../packet/address.ts';
import type { Event, EventType, LocalPorts, Traffic } from '../binding/contract.ts';
import { NOTE, VERDICT, type Note, type Verdict } from '../binding/verdicts.ts';
import { EVENT_OF, type Refusal } from './admission.ts';
import type { ProxyMaps } from './maps.ts';
import { flow, NO_END, type Session } from './session.ts';

export type Subject = {
  readonly listener: number;
  readonly client: Endpoint;
  readonly at: Endpoint;
  readonly backend?: number;
  readonly local?: number;
};

const NS_PER_SECOND = 1e9;

export class Journal {
  readonly #maps: ProxyMaps;
  readonly #onEvent: (event: Event) => void;
  readonly #told = new Map<EventType, number>();

  constructor(maps: ProxyMaps, onEvent: (event: Event) => void) {
    this.#maps = maps;
    this.#onEvent = onEvent;
  }

  refused(subject: Subject, refusal: Refusal, nowNs: number): void {
    this.verdict(refusal);
    this.#listener(subject.listener, ({ refused, ...rest }) => ({ ...rest, refused: refused + 1 }));
    const type = EVENT_OF[refusal];
    if (type !== undefined) this.tell(subject, type, nowNs);
  }

  verdict(verdict: Verdict): void {
    this.#maps.verdicts.add(VERDICT[verdict], (count) => count + 1);
  }

  note(note: Note): void {
    this.#maps.notes.add(NOTE[note], (count) => count + 1);
  }

  /** At most one a second of each type: a flood would repeat it. */
  tell({ listener, client, at, backend = 0, local = 0 }: Subject, type: EventType, nowNs: number) {
    if (nowNs - (this.#told.get(type) ?? -Infinity) < NS_PER_SECOND) return;
    this.#told.set(type, nowNs);
    const nobody = flow(NO_END, NO_END);
    this.#onEvent({
      timeNs: process.hrtime.bigint(),
      type,
      listener,
      backend,
      subject: flow(client, at),
      owner: nobody,
      visible: nobody,
      ownerAge: 0,
      visiblePort: 0 as Port,
      local,
      action: 'none',
      ownerState: 'free',
      ownerKind: 'balanced',
      subjectKind: 'balanced',
    });
  }

  admitted({ listener }: Session): void {
    this.#maps.listenerLive.set(listener, this.#maps.listenerLive.get(listener) + 1);
    this.#listener(listener, ({ connections, ...rest }) => ({
      ...rest,
      connections: connections + 1,
    }));
  }

  ended({ listener }: Session): void {
    this.#maps.listenerLive.set(listener, this.#maps.listenerLive.get(listener) - 1);
  }

  /** A backend's place is taken while it is tried, so that its limit holds. */
  chosen(backend: number, change: 1 | -1): void {
    this.#maps.backendLive.set(backend, this.#maps.backendLive.get(backend) + change);
  }

  /** What connections say of a backend before any check does. */
  trouble(backend: number, code: string): void {
    const { backendTrouble } = this.#maps;
    const { refused, unanswered } = backendTrouble.get(backend);
    const isRefusal = code === 'ECONNREFUSED' || code === 'ECONNRESET';
    backendTrouble.set(
      backend,
      isRefusal ? { refused: refused + 1, unanswered } : { refused, unanswered: unanswered + 1 },
    );
  }

  connected(backend: number): void {
    this.#maps.backendTraffic.add(backend, ({ connections, ...rest }) => ({
      ...rest,
      connections: connections + 1,
    }));
  }

  /** Brings in what both ends have sent since it was asked last; false when that is nothing. */
  moved(session: Session): boolean {
    const { front, way, counted, listener } = session;
    const bytesIn = front.bytesRead - counted.in;
    const bytesOut = (way?.back.bytesRead ?? 0) - counted.out;
    if (bytesIn === 0 && bytesOut === 0) return false;
    counted.in += bytesIn;
    counted.out += bytesOut;
    const more = (sum: Traffic): Traffic => ({
      ...sum,
      bytesIn: sum.bytesIn + bytesIn,
      bytesOut: sum.bytesOut + bytesOut,
    });
    this.#listener(listener, more);
    if (way !== undefined) this.#maps.backendTraffic.add(way.backend, more);
    return true;
  }

  /** The account of a local's ports towards a backend. */
  ports(local: number, backend: number, change: Partial<LocalPorts>): void {
    const { localPorts } = this.#maps;
    const old = localPorts.get({ local, backend }) ?? NO_PORTS;
    const sums = { ...old };
    for (const [name, more] of Object.entries(change)) sums[name as keyof LocalPorts] += more;
    localPorts.set({ local, backend }, sums);
  }

  #listener(index: number, change: (sum: Traffic) => Traffic): void {
    this.#maps.listenerTraffic.add(index, change);
  }
}

const NO_PORTS: LocalPorts = {
  allocated: 0,
  probes: 0,
  failed: 0,
  reused: 0,
  cursor: 0,
  inUse: 0,
  resting: 0,
};
