/**
 * What the loaded program would do with a SYN now, asked of the program itself: the same object
 * with maps of its own, into which what decides is copied. Nothing that forwards is touched.
 *
 * Sessions are too many to copy: the program is let choose a port first, and when that tuple is
 * taken in the real table, the session that has it is copied too, and the program asked again.
 */
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Endpoint } from '../../packet/address.ts';
import { parseFrame, tcp, mss } from '../../packet/index.ts';
import { PROTOCOL_TCP } from '../../packet/ipv4.ts';
import { NO_SLOT, type Flow4, type SessionSlot } from '../../datapath/binding/contract.ts';
import { lookupBatch, updateBatch } from '../../datapath/binding/kernel-map.ts';
import { balancerMaps, type KernelBalancerMaps } from '../../datapath/binding/object-maps.ts';
import {
  loadPrivateObject,
  type LoadedObject,
  type MapSource,
} from '../../datapath/binding/object.ts';
import { interfaceNamed } from '../../datapath/binding/tc.ts';
import { testRunInBackground } from '../../datapath/binding/test-run.ts';
import { VERDICT, type Verdict } from '../../datapath/binding/verdicts.ts';

export type Rehearsal = {
  readonly verdict: Verdict;
  /** Ports that it wanted and that live or resting sessions have. */
  readonly taken: number;
  /** The session it made; absent when it refused. */
  readonly made?: {
    readonly backend: Endpoint;
    readonly local: Endpoint;
    readonly port: PortOrigin;
    /** In the SYN, for the agent. */
    readonly hasToa: boolean;
  };
};

/**
 * How the session came by its local port: `reopened`, its own that rests; `free`, the next one of the
 * order; `drawn`, free, and the first towards this backend, where the order begins anywhere; `reused`,
 * of another session that rests.
 */
export type PortOrigin = 'reopened' | 'free' | 'drawn' | 'reused';

export type Question = {
  readonly client: Endpoint;
  readonly listener: Endpoint;
  /** Where the SYN arrives. */
  readonly interfaces: readonly string[];
};

const OBJECT = fileURLToPath(new URL('../../datapath/balancer/balancer.bpf.o', import.meta.url));

/** A try costs a slot, and so does a session that is copied. */
const SLOTS = 4_096;
/** As many as the program looks at for one SYN: 64 ports of 8 locals. */
const TRIES_MOST = 512;
const BATCH_ENTRIES = 4_096;

/** Small ones, and those that grow with the configuration. */
const COPIED = [
  ...['settings', 'listeners', 'pools', 'schedule', 'backends', 'locals', 'locals_by_addr'],
  ...['admissions', 'backend_limits', 'backend_ends', 'sticky_clients', 'protections'],
] as const;
/** What a try changes: copied anew before each. */
const MOVED = [
  ...['schedule_cursor', 'local_ports', 'listener_buckets', 'listener_live', 'backend_live'],
] as const;
const OWN_SIZE: readonly string[] = ['sessions', 'session_slots', 'free_slots', 'numbers'];

/** Several at a time would only load the program several times. */
let before: Promise<unknown> = Promise.resolve();

export function rehearse(live: MapSource, question: Question): Promise<Rehearsal> {
  const mine = before.then(() => rehearseAlone(live, question));
  before = mine.catch(() => undefined);
  return mine;
}

async function rehearseAlone(live: MapSource, question: Question): Promise<Rehearsal> {
  const object = await loadPrivateObject({ path: OBJECT, capacities: capacitiesLike(live) });
  try {
    const [real, own] = [balancerMaps(live), balancerMaps(object)];
    for (const name of COPIED) await copyMap(live, object, name);
    await copyWhatIsAsked(live, object, real, question);
    const copies = new Copies(real, own);
    const isReopened = copies.take(flowOf(question));
    for (let taken = 0; ; taken++) {
      for (const name of MOVED) await copyMap(live, object, name);
      const outcome = await tryOnce(object, own, question);
      const { slot } = outcome;
      if (slot === undefined || taken === TRIES_MOST) return { verdict: outcome.verdict, taken };
      const made = own.sessionSlots.get(slot);
      if (!copies.take(made.back)) {
        const [address, port] = [made.back.sourceAddr, made.back.sourcePort];
        const [localAddress, localPort] = [made.back.destinationAddr, made.back.destinationPort];
        return {
          verdict: outcome.verdict,
          taken,
          made: {
            backend: { address, port },
            local: { address: localAddress, port: localPort },
            port: originOf(made, { real, copies, isReopened }),
            hasToa: outcome.hasToa,
          },
        };
      }
      own.sessions.delete(made.front);
    }
  } finally {
    object.close();
  }
}

/** Sessions of the real table in the private one, as far as they were met. */
class Copies {
  readonly #real: KernelBalancerMaps;
  readonly #own: KernelBalancerMaps;
  readonly #tuples = new Set<string>();
  #next = SLOTS - 1;

  constructor(real: KernelBalancerMaps, own: KernelBalancerMaps) {
    this.#real = real;
    this.#own = own;
  }

  has(tuple: Flow4): boolean {
    return this.#tuples.has(JSON.stringify(tuple));
  }

  /** Copies the session that has this tuple; false when there is none, or when it is there already. */
  take(tuple: Flow4): boolean {
    const entry = this.#real.sessions.get(tuple);
    if (entry === undefined || entry.slot === NO_SLOT || this.has(tuple)) return false;
    const slot = this.#real.sessionSlots.get(entry.slot);
    const numbers = this.#real.numbers.get(entry.slot);
    const index = this.#next--;
    this.#own.sessionSlots.set(index, slot);
    this.#own.numbers.set(index, numbers);
    for (const key of [slot.front, slot.back]) {
      const value = this.#real.sessions.get(key);
      if (value !== undefined) this.#own.sessions.set(key, { ...value, slot: index });
      this.#tuples.add(JSON.stringify(key));
    }
    return true;
  }
}

function originOf(
  { back, local, backend }: SessionSlot,
  at: { real: KernelBalancerMaps; copies: Copies; isReopened: boolean },
): PortOrigin {
  if (at.copies.has(back)) return at.isReopened ? 'reopened' : 'reused';
  return at.real.localPorts.get({ local, backend }) === undefined ? 'drawn' : 'free';
}

type Tried = { readonly verdict: Verdict; readonly slot?: number; readonly hasToa: boolean };

async function tryOnce(
  object: LoadedObject,
  own: KernelBalancerMaps,
  question: Question,
): Promise<Tried> {
  const counted = () => own.verdicts.sums(Object.keys(VERDICT).length);
  const earlier = counted();
  const { name, index, macAddress } = arrival(question.interfaces);
  const frame = tcp({
    ethernet: { destination: macAddress, source: '02:00:00:00:00:01' },
    ...{ from: question.client, to: question.listener, flags: 'S', options: [mss(1_460)] },
  });
  const { packet } = await testRunInBackground(object.program('balancer_ingress'), {
    packet: frame,
    skb: { ifindex: index, ingressIfindex: index },
  });
  const moved = counted().findIndex((count, i) => count > (earlier[i] ?? 0));
  const verdict = (Object.keys(VERDICT) as Verdict[]).find((word) => VERDICT[word] === moved);
  if (verdict === undefined) throw new Error(`the program at ${name} counted no verdict`);
  const entry = own.sessions.get(flowOf(question));
  const left = parseFrame(new Uint8Array(packet));
  const hasToa =
    left.ok &&
    left.value.kind === 'tcp' &&
    left.value.tcp.options.some((option) => option.kind === 'toa');
  return { verdict, hasToa, ...(entry === undefined ? {} : { slot: entry.slot }) };
}

/** The first interface that has an address for frames to be sent to. */
function arrival(names: readonly string[]): { name: string; index: number; macAddress: string } {
  const known = networkInterfaces();
  for (const name of names) {
    const macAddress = known[name]?.[0]?.mac;
    if (macAddress !== undefined) return { name, index: interfaceNamed(name).index, macAddress };
  }
  throw new Error(`none of ${names.join(', ')} is there, up, and has an address`);
}

/** Of the lists and clients' seats, which may be large, only those that the listener looks at. */
async function copyWhatIsAsked(
  live: MapSource,
  object: MapSource,
  real: KernelBalancerMaps,
  { listener }: Question,
): Promise<void> {
  const { address: addr, port } = listener;
  const row = real.listeners.get({ addr, port, protocol: PROTOCOL_TCP });
  if (row === undefined) return;
  const { access, clientBits } = real.admissions.get(row.index);
  if (access !== 0n) await copyMap(live, object, 'access_prefixes');
  if (clientBits !== 0) await copyMap(live, object, 'client_seats');
}

async function copyMap(from: MapSource, to: MapSource, name: string): Promise<void> {
  const [source, target] = [from.map(name), to.map(name)];
  let next: Buffer | undefined;
  do {
    const batch = await lookupBatch(source, next, BATCH_ENTRIES);
    if (batch.count > 0) {
      const valueBytes = batch.values.length / (batch.keys.length / source.info.keyBytes);
      await updateBatch(
        target,
        batch.keys.subarray(0, batch.count * source.info.keyBytes),
        batch.values.subarray(0, batch.count * valueBytes),
      );
    }
    next = batch.next;
  } while (next !== undefined);
}

/** Everything as large as it is, so that what is copied fits; but for the sessions. */
function capacitiesLike(live: MapSource): Record<string, number> {
  const alike = [
    ...COPIED,
    ...MOVED,
    ...['access_prefixes', 'client_seats', 'listener_traffic', 'listener_outcomes'],
    ...['backend_traffic', 'backend_trouble'],
  ].map((name) => [name, live.map(name).info.maxEntries] as const);
  const small = OWN_SIZE.map((name) => [name, name === 'sessions' ? 2 * SLOTS : SLOTS] as const);
  return Object.fromEntries([...alike, ...small]);
}

function flowOf({ client, listener }: Question): Flow4 {
  return {
    ...{ sourceAddr: client.address, sourcePort: client.port },
    ...{ destinationAddr: listener.address, destinationPort: listener.port },
    protocol: PROTOCOL_TCP,
  };
}
