/** Whether a connection may become a session: asked before anything is taken for it, in the order of the kernel's engine. */
import type { Ipv4Address } from '../../packet/address.ts';
import type { Admission, EventType, Rate } from '../binding/contract.ts';
import type { Verdict } from '../binding/verdicts.ts';
import { isDenied, type AccessLists } from './access.ts';

export type Refusal = Extract<Verdict, `reset-${string}`>;

export type Asked = {
  /** Index of the listener. */
  readonly listener: number;
  readonly sessionsMax: number;
  /** Live sessions of the listener. */
  readonly live: number;
  readonly admission: Admission;
  readonly client: Ipv4Address;
};

/** What one client of one listener has. */
type Seat = { live: number; opening: number; readonly bucket: Bucket };
/** When it would be full again (the generic cell rate algorithm, ITU-T I.371). */
type Bucket = { fullNs: number };
type ClientKey = number;

/** Refusals that people should hear of: a list does what it is there for. */
export const EVENT_OF: Readonly<Partial<Record<Refusal, EventType>>> = {
  'reset-listener-limit': 'listener-limit',
  'reset-listener-rate': 'listener-rate',
  'reset-client-rate': 'client-limit',
  'reset-client-limit': 'client-limit',
  'reset-client-opening': 'client-limit',
  'reset-no-backend': 'no-backend',
  'reset-backend-limit': 'backend-limit',
  'reset-no-local-port': 'no-local-port',
  'reset-table-full': 'table-full',
};
const ADDRESSES = 2 ** 32;

export class Admissions {
  readonly #seatsMax: number;
  readonly #seats = new Map<ClientKey, Seat>();
  readonly #buckets = new Map<number, Bucket>();
  /** As of the configuration in force. */
  lists: AccessLists = new Map();

  /** So many clients are known at a time; more have no limits of their own. */
  constructor(seatsMax: number) {
    this.#seatsMax = seatsMax;
  }

  get seats(): number {
    return this.#seats.size;
  }

  /** Undefined when it may; what one client asks too much is not taken from everyone's rate. */
  refusalOf(asked: Asked, nowNs: number): Refusal | undefined {
    const { listener, sessionsMax, live, admission, client } = asked;
    if (isDenied(this.lists, admission.access, client)) return 'reset-denied';
    if (sessionsMax > 0 && live >= sessionsMax) return 'reset-listener-limit';
    const ofClient = this.#refusalOfClient(asked, nowNs);
    if (ofClient !== undefined) return ofClient;
    const bucket = this.#buckets.get(listener) ?? { fullNs: 0 };
    this.#buckets.set(listener, bucket);
    return takeToken(bucket, admission.rate, nowNs) ? undefined : 'reset-listener-rate';
  }

  /** Counts a session of its client; what is returned is called when it is established, and when it has ended. */
  begin({ listener, admission, client }: Asked): { established(): void; ended(): void } {
    const seat = this.#seats.get(keyOf(listener, admission, client));
    if (seat === undefined) return { established: () => {}, ended: () => {} };
    let isOpening = true;
    const established = () => {
      if (isOpening) seat.opening--;
      isOpening = false;
    };
    seat.live++;
    seat.opening++;
    return {
      established,
      ended: () => {
        established();
        seat.live--;
      },
    };
  }

  /** Forgets clients that nothing is known of that a new one would not have. */
  forgetIdle(nowNs: number): void {
    for (const [key, { live, bucket }] of this.#seats)
      if (live === 0 && bucket.fullNs <= nowNs) this.#seats.delete(key);
  }

  #refusalOfClient({ listener, admission, client }: Asked, nowNs: number): Refusal | undefined {
    const { clientBits, clientSessionsMax, clientOpeningMax, clientRate } = admission;
    if (clientBits === 0) return undefined;
    const seat = this.#seatOf(keyOf(listener, admission, client));
    if (seat === undefined) return undefined;
    if (clientSessionsMax > 0 && seat.live >= clientSessionsMax) return 'reset-client-limit';
    if (clientOpeningMax > 0 && seat.opening >= clientOpeningMax) return 'reset-client-opening';
    return takeToken(seat.bucket, clientRate, nowNs) ? undefined : 'reset-client-rate';
  }

  #seatOf(key: ClientKey): Seat | undefined {
    const known = this.#seats.get(key);
    if (known !== undefined || this.#seats.size >= this.#seatsMax) return known;
    const seat = { live: 0, opening: 0, bucket: { fullNs: 0 } };
    this.#seats.set(key, seat);
    return seat;
  }
}

function takeToken(bucket: Bucket, { intervalNs, toleranceNs }: Rate, nowNs: number): boolean {
  if (intervalNs === 0n) return true;
  const fullNs = Math.max(bucket.fullNs, nowNs);
  if (fullNs - nowNs > Number(toleranceNs)) return false;
  bucket.fullNs = fullNs + Number(intervalNs);
  return true;
}

function keyOf(listener: number, { clientBits }: Admission, client: Ipv4Address): ClientKey {
  return listener * ADDRESSES + Math.floor(client / 2 ** (32 - clientBits));
}
