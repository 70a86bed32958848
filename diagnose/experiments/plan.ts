/** Which connections are tried, from which ports, and what comparing them tells. */
import { formatEndpoint, type Endpoint } from '../../packet/address.ts';

/** What the attempt is compared by. */
export const PURPOSES = [
  /** To the listener, from a port that nothing else of ours uses. */
  'listener',
  /** To a backend, past the balancer. */
  'direct',
  /** To the listener, from the port that a direct connection is held from at this moment. */
  'shared-port',
  /** A failed one again, from the same port. */
  'again',
  /** From the port next to one that failed. */
  'next-port',
  /** From the port that failed, to a backend. */
  'same-port-direct',
  /** To the listener, from another client. */
  'other-client',
  /** To the listener, with more data than fits into one segment. */
  'data',
] as const;

export type Purpose = (typeof PURPOSES)[number];

/** In what the prober program is told. */
export interface PlannedAttempt {
  readonly id: number;
  readonly purpose: Purpose;
  readonly host: string;
  readonly port: number;
  readonly localPort: number;
  readonly startMs: number;
  /** Kept open until all are done. */
  readonly holds: boolean;
  /** Sent when it is open. */
  readonly sendBytes: number;
}

export interface Plan {
  readonly timeoutMs: number;
  /** What is held stays so long when all are done. */
  readonly lingerMs: number;
  readonly attempts: readonly PlannedAttempt[];
}

export interface PortRange {
  readonly low: number;
  readonly high: number;
}

/** Enough that a share of 1/8 that fails is seen with a probability of 0.9. */
const LISTENER_ATTEMPTS = 16;
const LISTENER_EVERY_MS = 60;
const DIRECT_ATTEMPTS = 3;
const SHARED_PORTS = 3;
const OTHER_CLIENT_ATTEMPTS = 8;
/** The direct ones are held before the listener is asked from the same port. */
const HELD_FIRST_MS = 400;
const REPEATED = 4;
/** Three segments of 1500 bytes, fewer than any first window. */
const DATA_BYTES = 4_200;
/** Enough for a few retransmissions of what is lost, which begin after 200 ms. */
const DATA_LINGER_MS = 3_000;
/** Two SYNs are sent again in it, by old clocks and new; see LATE_MS. */
const TIMEOUT_MS = 3_300;

/** Hands out ports that were not used before in this run. */
export class Ports {
  #next: number;
  readonly #range: PortRange;

  constructor(range: PortRange, start: number) {
    this.#range = range;
    this.#next = start;
  }

  take(): number {
    const port = this.#next;
    this.#next = port >= this.#range.high ? this.#range.low : port + 1;
    return port;
  }
}

/** The comparisons that need no failure: listener, backends, and both from one port. */
export function firstPlan(ports: Ports, target: Endpoint, backends: readonly Endpoint[]): Plan {
  const draft = new Draft();
  for (let i = 0; i < LISTENER_ATTEMPTS; i += 1)
    draft.add('listener', target, ports.take(), i * LISTENER_EVERY_MS);
  for (const backend of others(target, backends))
    for (let i = 0; i < DIRECT_ATTEMPTS; i += 1)
      draft.add('direct', backend, ports.take(), i * LISTENER_EVERY_MS);
  if (others(target, backends).length > 0)
    for (let i = 0; i < SHARED_PORTS; i += 1) {
      const port = ports.take();
      for (const backend of others(target, backends)) draft.add('direct', backend, port, 0, true);
      draft.add('shared-port', target, port, HELD_FIRST_MS + i * LISTENER_EVERY_MS);
    }
  return draft.plan();
}

export function otherClientPlan(ports: Ports, target: Endpoint): Plan {
  const draft = new Draft();
  for (let i = 0; i < OTHER_CLIENT_ATTEMPTS; i += 1)
    draft.add('other-client', target, ports.take(), i * LISTENER_EVERY_MS);
  return draft.plan();
}

/** What splits the causes once something failed: the same ports again, and others. */
export function againPlan(
  ports: Ports,
  target: Endpoint,
  backends: readonly Endpoint[],
  failed: readonly { readonly purpose: Purpose; readonly localPort: number }[],
): Plan {
  const draft = new Draft();
  failed.slice(0, REPEATED).forEach(({ purpose, localPort }, i) => {
    // What failed beside a direct connection fails again only beside one.
    if (purpose === 'shared-port')
      for (const backend of others(target, backends))
        draft.add('direct', backend, localPort, 0, true);
    const startMs = HELD_FIRST_MS + i * LISTENER_EVERY_MS;
    draft.add('again', target, localPort, startMs);
    draft.add('next-port', target, ports.take(), startMs);
  });
  // Connections may come about and yet be wrong: captures need some to look at.
  if (failed.length === 0)
    for (let i = 0; i < REPEATED; i += 1) draft.add('listener', target, ports.take(), i);
  return draft.plan();
}

/** From the ports that failed, past the balancer. */
export function directPlan(
  target: Endpoint,
  backends: readonly Endpoint[],
  failedPorts: readonly number[],
): Plan {
  const draft = new Draft();
  const [backend] = others(target, backends);
  if (backend !== undefined)
    failedPorts
      .slice(0, REPEATED)
      .forEach((port, i) => draft.add('same-port-direct', backend, port, i * LISTENER_EVERY_MS));
  return draft.plan();
}

/** Full-size segments, on one connection that stays open while its socket is looked at. */
export function dataPlan(ports: Ports, target: Endpoint): Plan {
  const draft = new Draft();
  draft.add('data', target, ports.take(), 0, true);
  const { attempts, timeoutMs } = draft.plan();
  return {
    timeoutMs,
    lingerMs: DATA_LINGER_MS,
    attempts: attempts.map((one) => ({ ...one, sendBytes: DATA_BYTES })),
  };
}

class Draft {
  readonly #attempts: PlannedAttempt[] = [];

  add(purpose: Purpose, to: Endpoint, localPort: number, startMs: number, holds = false): void {
    const [host = '', port = ''] = formatEndpoint(to).split(':');
    const id = this.#attempts.length;
    this.#attempts.push({
      id,
      purpose,
      host,
      port: Number(port),
      localPort,
      startMs,
      holds,
      sendBytes: 0,
    });
  }

  plan(): Plan {
    return { timeoutMs: TIMEOUT_MS, lingerMs: 0, attempts: this.#attempts };
  }
}

/** A target that is itself a backend has nothing past a balancer. */
function others(target: Endpoint, backends: readonly Endpoint[]): readonly Endpoint[] {
  return backends.filter((backend) => formatEndpoint(backend) !== formatEndpoint(target));
}
