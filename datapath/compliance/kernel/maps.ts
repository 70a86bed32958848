/** What the maps of a loaded program hold, as a `State`; and their return to emptiness. */
import { setTimeout as sleep } from 'node:timers/promises';
import { counter, u32 } from '../../binding/codec.ts';
import {
  CLOSED_BY_BACK,
  CLOSED_BY_FRONT,
  ENTRY_BACK,
  event,
  SESSION_STATE,
  SLOT_ADOPTED,
  SLOT_REMAPPED,
  SLOT_REOPENED,
  SLOT_SHIFTED,
  type Numbers,
  type SessionSlot,
  type Settings,
} from '../../binding/contract.ts';
import { remove, nextKey, update, valueBytesOf } from '../../binding/kernel-map.ts';
import type { ProgramRef } from '../../binding/kernel-object.ts';
import { ArrayMap, type TypedMap } from '../../binding/map.ts';
import type { CommonMaps } from '../../binding/object-maps.ts';
import type { LoadedObject } from '../../binding/object.ts';
import { RingBuffer } from '../../binding/ring-buffer.ts';
import { stateOf, ticksFromSeconds } from '../../binding/sessions.ts';
import { NO_PACKET, testRun } from '../../binding/test-run.ts';
import type { EventView, SessionLimits, SessionView, Side, State } from '../../model/index.ts';
import { findFaults } from './faults.ts';
import { tupleOf } from './tuple.ts';

/** A pass of a small table takes a few steps of 20 ms. */
const POLL_MS = 10;
const PASSES = 2; /* the first to be complete may have begun before */
const SWEEP_MAX_MS = 5_000;

/** What a property test decides that the kernel would decide by chance. */
export interface KernelOptions {
  readonly portStart?: number;
}

/** More than any row has listeners or backends. */
export const COUNTED = 8;

export function settingsOf(
  limits: SessionLimits,
  counts: Pick<Settings, 'localCount' | 'clientSets'>,
): Settings {
  const timeout = Array.from({ length: 8 }, () => 0);
  for (const [state, seconds] of Object.entries(limits.timeoutSeconds))
    timeout[SESSION_STATE[state as keyof typeof limits.timeoutSeconds]] = ticksFromSeconds(seconds);
  return {
    secret: [...limits.secret],
    timeout,
    sessionCapacity: limits.sessionCapacity,
    openingMax: limits.openingMax,
    ...counts,
  };
}

/** Sessions, counters and events of balancer and agent alike. */
export class SessionMaps {
  readonly #maps: CommonMaps;
  readonly #ring: RingBuffer;
  readonly #eventSent: ArrayMap<number>;
  readonly #budgets: readonly ArrayMap<number>[];
  readonly #startSweep: ProgramRef;
  #events: EventView[] = [];

  constructor(object: LoadedObject, maps: CommonMaps) {
    this.#maps = maps;
    this.#startSweep = object.program('start_sweep');
    this.#eventSent = new ArrayMap(object.map('event_sent'), u32);
    this.#budgets = ['budgets', 'error_budgets'].map(
      (name) => new ArrayMap(object.map(name), counter),
    );
    this.#ring = new RingBuffer(maps.events, (record) => this.#events.push(viewEvent(record)));
  }

  clear(): void {
    const { sessions, sessionSlots, freeSlots, localPorts, sweep, backendTraffic } = this.#maps;
    const empty = Buffer.alloc(valueBytesOf(sessionSlots.ref));
    this.slots().forEach(([index]) => update(sessionSlots.ref, indexKey(index), empty));
    clearHash(sessions);
    clearHash(localPorts);
    while (freeSlots.pop() !== undefined);
    update(sweep.ref, indexKey(0), Buffer.alloc(valueBytesOf(sweep.ref)));
    for (let i = 0; i < COUNTED; i++) backendTraffic.clear(i);
    for (let i = 0; i < this.#eventSent.length; i++) this.#eventSent.set(i, 0);
    this.refillBudgets();
    this.#ring.consume();
    this.#events = [];
  }

  /** As if nothing had been sent of our own for a while. */
  refillBudgets(): void {
    for (const budgets of this.#budgets)
      for (const [i, next] of budgets.values(budgets.length).entries())
        if (next !== 0) budgets.set(i, 0);
  }

  /** The secret order of the ports of these pairs is entered here, and not at random. */
  enterPortsAt(cursor: number, locals: number, backends: number): void {
    const none = { allocated: 0, probes: 0, failed: 0, reused: 0, inUse: 0, resting: 0 };
    for (let local = 0; local < locals; local++)
      for (let backend = 0; backend < backends; backend++)
        this.#maps.localPorts.set({ local, backend }, { ...none, cursor });
  }

  /** Makes everything look older, which is what time does. */
  age(seconds: number): void {
    const ticks = ticksFromSeconds(seconds);
    for (const [index, slot] of this.slots())
      this.#maps.sessionSlots.set(index, {
        ...slot,
        seen: (slot.seen - ticks) >>> 0,
        created: (slot.created - ticks) >>> 0,
      });
    for (const key of [...this.#maps.sessions.keys()]) {
      const entry = this.#maps.sessions.get(key);
      if (entry) this.#maps.sessions.set(key, { ...entry, seen: (entry.seen - ticks) >>> 0 });
    }
    for (const [type, sent] of this.#eventSent.values(this.#eventSent.length).entries())
      if (sent) this.#eventSent.set(type, (sent - ticks) >>> 0);
  }

  /** As if packets had been counted, and nothing else. */
  carry(bytes: number, from: Side): void {
    for (const key of [...this.#maps.sessions.keys()]) {
      const entry = this.#maps.sessions.get(key);
      const side = entry && entry.flags & ENTRY_BACK ? 'back' : 'front';
      if (entry && side === from)
        this.#maps.sessions.set(key, { ...entry, bytes: entry.bytes + bytes });
    }
  }

  /** As the sweeper does it, counts included; only of sessions that are live. */
  seize(): void {
    const { sessionSlots, sweep, localPorts } = this.#maps;
    for (const [index, slot] of this.slots()) {
      const { stats } = sweep.get(0);
      const opening = stats.opening - (stateOf(slot) === 'opening' ? 1 : 0);
      sweep.set(0, { stats: { ...stats, opening, live: stats.live - 1 } });
      sessionSlots.set(index, { ...slot, word: SESSION_STATE.dead });
      const ports = localPorts.get(slot);
      if (ports) localPorts.set(slot, { ...ports, inUse: ports.inUse - 1 });
    }
  }

  /**
   * Lets the sweeper pass over all slots, and stops it again, so that time never goes by
   * while it works: the kernel ends a timer whose map entry is written.
   */
  async sweep(): Promise<void> {
    const { sweep } = this.#maps;
    if (sweep.get(0).stats.highWater === 0) return; // it passes over nothing
    testRun(this.#startSweep, NO_PACKET);
    const wanted = sweep.get(0).stats.passes + PASSES;
    for (let waited = 0; sweep.get(0).stats.passes < wanted; waited += POLL_MS) {
      if (waited > SWEEP_MAX_MS) throw new Error(`no pass of the sweeper in ${SWEEP_MAX_MS} ms`);
      await sleep(POLL_MS);
    }
    sweep.set(0, sweep.get(0));
    await sleep(POLL_MS); // for a step that is under way
  }

  /** Slots in use. */
  slots(): [index: number, slot: SessionSlot][] {
    const { sessionSlots, sweep } = this.#maps;
    return sessionSlots
      .values(sweep.get(0).stats.highWater)
      .map((slot, index): [number, SessionSlot] => [index, slot])
      .filter(([, slot]) => stateOf(slot) !== 'free');
  }

  state(): State {
    this.#ring.consume();
    const { localPorts, sweep, backendTraffic, numbers } = this.#maps;
    const ports = [...localPorts.keys()].flatMap((pair) => {
      const value = localPorts.get(pair);
      return value ? [[`${pair.local}/${pair.backend}`, value] as const] : [];
    });
    return {
      sessions: this.slots().map(([index, slot]) => viewSession(slot, numbers.get(index))),
      ports: Object.fromEntries(ports),
      evicted: sweep.get(0).stats.evicted,
      events: [...this.#events],
      listeners: [],
      trouble: {},
      outcomes: [],
      backends: backendTraffic.sums(COUNTED),
      faults: findFaults(this.#maps, this.slots()),
    };
  }

  close(): void {
    this.#ring.close();
  }
}

export function clearHash<K, V>({ ref }: TypedMap<K, V>): void {
  for (let key = nextKey(ref, undefined); key; key = nextKey(ref, undefined)) remove(ref, key);
}

function viewSession(slot: SessionSlot, { shift }: Numbers): SessionView {
  const sides: Side[] = [];
  if (slot.word & CLOSED_BY_FRONT) sides.push('front');
  if (slot.word & CLOSED_BY_BACK) sides.push('back');
  const flags: SessionView['flags'][number][] = [];
  if (slot.flags & SLOT_REMAPPED) flags.push('remapped');
  if (slot.flags & SLOT_ADOPTED) flags.push('adopted');
  if (slot.flags & SLOT_REOPENED) flags.push('reopened');
  return {
    state: stateOf(slot),
    kind: slot.kind,
    front: tupleOf(slot.front),
    back: tupleOf(slot.back),
    closedBy: sides,
    flags,
    shift: slot.flags & SLOT_SHIFTED ? shift : { sequence: 0, time: 0 },
  };
}

function viewEvent(record: Buffer): EventView {
  const decoded = event.decode(record);
  return {
    type: decoded.type,
    subject: tupleOf(decoded.subject),
    owner: tupleOf(decoded.owner),
    visible: tupleOf(decoded.visible),
    visiblePort: decoded.visiblePort,
    action: decoded.action,
    ownerKind: decoded.ownerKind,
    subjectKind: decoded.subjectKind,
  };
}

function indexKey(index: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  return key;
}
