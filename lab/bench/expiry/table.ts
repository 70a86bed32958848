/** A private balancer program whose session table is filled from here instead of by traffic. */

import { resolve } from 'node:path';
import { updateBatch } from '../../../datapath/binding/kernel-map.ts';
import {
  ENTRY_BACK,
  ENTRY_ESTABLISHED,
  SESSION_STATE,
  flow4,
  sessionEntry,
  sessionSlot,
  type Flow4,
  type SessionEntry,
} from '../../../datapath/binding/contract.ts';
import { offsetsOf } from '../../../datapath/binding/codec.ts';
import type { LoadedObject } from '../../../datapath/binding/object.ts';
import { loadPrivateObject } from '../../../datapath/binding/object.ts';
import { balancerMaps, type KernelBalancerMaps } from '../../../datapath/binding/object-maps.ts';
import { NO_PACKET, testRun } from '../../../datapath/binding/test-run.ts';
import { ipv4Address, port } from '../../../packet/index.ts';

export type SessionTable = {
  object: LoadedObject;
  maps: KernelBalancerMaps;
  sessions: number;
};

export type Fill = {
  sessions: number;
  timeoutTicks: number;
  /** When the last packet of session number `index` came. */
  seenTicks: (index: number) => number;
};

const PROGRAM = resolve(import.meta.dirname, '../../../datapath/balancer/balancer.bpf.o');
const TCP = 6;
const BATCH_SESSIONS = 8_192;
const CLIENT_PORTS = 50_000;
const LOCAL_PORTS = 60_000;
const FIRST_PORT = port(1_024);
const FIRST_CLIENT = ipv4Address('10.128.0.1');
const FIRST_LOCAL = ipv4Address('10.0.124.160');
const VIRTUAL = { addr: ipv4Address('10.0.23.111'), port: port(18056) };
const BACKEND = { addr: ipv4Address('10.0.98.79'), port: port(8056) };

/** Loads the program, writes the sessions, and only then starts the sweeper. */
export async function openTable(fill: Fill): Promise<SessionTable> {
  const { sessions, timeoutTicks } = fill;
  const object = await loadPrivateObject({
    path: PROGRAM,
    capacities: {
      sessions: 2 * sessions,
      session_slots: sessions,
      free_slots: sessions,
      numbers: sessions,
    },
  });
  const table = { object, maps: balancerMaps(object), sessions };
  try {
    setTimeouts(table, timeoutTicks);
    writeCounts(table);
    await writeSessions(table, fill);
    const { returnValue } = testRun(object.program('start_sweep'), NO_PACKET);
    if (returnValue !== 0) throw new Error(`start_sweep returned ${returnValue}`);
    return table;
  } catch (error) {
    object.close();
    throw error;
  }
}

/** Of every state: all sessions here are established. */
export function setTimeouts({ maps, sessions }: SessionTable, ticks: number): void {
  maps.settings.set(0, {
    ...{ secret: [1n, 2n], timeout: Array.from({ length: 8 }, () => ticks) },
    ...{ sessionCapacity: sessions, openingMax: sessions, localCount: localsOf(sessions) },
    clientSets: 0,
  });
}

/** The tuple of a session's client side, as the balancer receives it. */
export function frontOf(index: number): Flow4 {
  const key = flow4.encode(FRONT);
  writeClient(key, 0, index, 'source');
  return flow4.decode(key);
}

const localOf = (index: number) => Math.floor(index / LOCAL_PORTS);
const localsOf = (sessions: number) => localOf(sessions - 1) + 1;

/** As if the sessions had been opened by packets: the sweeper counts them down again. */
function writeCounts({ maps, sessions }: SessionTable): void {
  const { stats } = maps.sweep.get(0);
  // Before the timer starts: writing this map's value ends a timer in it.
  maps.sweep.set(0, { stats: { ...stats, highWater: sessions, live: sessions } });
  maps.backendLive.set(0, sessions);
  maps.listenerLive.set(0, sessions);
  const empty = { allocated: 0, probes: 0, failed: 0, reused: 0, cursor: 0, resting: 0 };
  for (let local = 0; local < localsOf(sessions); local++)
    maps.localPorts.set({ local, backend: 0 }, { ...empty, inUse: LOCAL_PORTS });
}

/** Copies of one session, of which only what differs is written: a million takes seconds. */
async function writeSessions({ maps }: SessionTable, fill: Fill): Promise<void> {
  for (let first = 0; first < fill.sessions; first += BATCH_SESSIONS) {
    const count = Math.min(BATCH_SESSIONS, fill.sessions - first);
    const slotKeys = Buffer.alloc(4 * count);
    const slots = Buffer.alloc(SLOT.length * count, SLOT);
    const keys = Buffer.alloc(KEYS.length * count, KEYS);
    const entries = Buffer.alloc(ENTRIES.length * count, ENTRIES);
    for (let i = 0; i < count; i++) {
      const index = first + i;
      slotKeys.writeUInt32LE(index, 4 * i);
      writeSlot(slots, SLOT.length * i, index, fill.seenTicks);
      writeClient(keys, KEYS.length * i, index, 'source');
      writeLocal(keys, KEYS.length * i + flow4.bytes, index, 'destination');
      writeEntries(entries, ENTRIES.length * i, index, fill.seenTicks);
    }
    await updateBatch(maps.sessions.ref, keys, entries);
    await updateBatch(maps.sessionSlots.ref, slotKeys, slots);
  }
}

function writeSlot(to: Buffer, at: number, index: number, seenTicks: Fill['seenTicks']): void {
  writeClient(to, at + SLOT_AT.front, index, 'source');
  writeLocal(to, at + SLOT_AT.back, index, 'destination');
  to.writeUInt32LE(seenTicks(index), at + SLOT_AT.seen);
  to.writeUInt32LE(seenTicks(index), at + SLOT_AT.created);
  to.writeUInt16LE(localOf(index), at + SLOT_AT.local);
}

function writeEntries(to: Buffer, at: number, index: number, seenTicks: Fill['seenTicks']): void {
  const atBack = at + sessionEntry.bytes;
  writeLocal(to, at, index, 'source', ENTRY_AT);
  writeClient(to, atBack, index, 'destination', ENTRY_AT);
  for (const each of [at, atBack]) {
    to.writeUInt32LE(index, each + ENTRY_AT.slot);
    to.writeUInt32LE(seenTicks(index), each + ENTRY_AT.seen);
  }
}

type End = 'source' | 'destination';
type TupleAt = Record<`${End}Addr` | `${End}Port`, number>;

function writeClient(to: Buffer, at: number, index: number, end: End, tuple: TupleAt = FLOW_AT) {
  to.writeUInt32BE(FIRST_CLIENT + Math.floor(index / CLIENT_PORTS), at + tuple[`${end}Addr`]);
  to.writeUInt16BE(FIRST_PORT + (index % CLIENT_PORTS), at + tuple[`${end}Port`]);
}

function writeLocal(to: Buffer, at: number, index: number, end: End, tuple: TupleAt = FLOW_AT) {
  to.writeUInt32BE(FIRST_LOCAL + localOf(index), at + tuple[`${end}Addr`]);
  to.writeUInt16BE(FIRST_PORT + (index % LOCAL_PORTS), at + tuple[`${end}Port`]);
}

const TUPLE = ['sourceAddr', 'sourcePort', 'destinationAddr', 'destinationPort'] as const;
const FLOW_AT = offsetsOf(flow4, ...TUPLE);
const ENTRY_AT = offsetsOf(sessionEntry, ...TUPLE, 'slot', 'seen');
const SLOT_AT = offsetsOf(sessionSlot, 'front', 'back', 'seen', 'created', 'local');

const FRONT: Flow4 = {
  ...{ sourceAddr: FIRST_CLIENT, sourcePort: FIRST_PORT },
  ...{ destinationAddr: VIRTUAL.addr, destinationPort: VIRTUAL.port, protocol: TCP },
};
const BACK: Flow4 = {
  ...{ sourceAddr: BACKEND.addr, sourcePort: BACKEND.port },
  ...{ destinationAddr: FIRST_LOCAL, destinationPort: FIRST_PORT, protocol: TCP },
};
const SLOT = sessionSlot.encode({
  ...{ front: FRONT, back: BACK, word: SESSION_STATE.established, seen: 0, created: 0 },
  ...{ frontIsn: 1, backIsn: 1, listener: 0, backend: 0, local: 0, kind: 'balanced' },
  ...{ flags: 0, seat: 0, wantedPort: port(0) },
});
const KEYS = Buffer.concat([flow4.encode(FRONT), flow4.encode(BACK)]);
const ENTRIES = Buffer.concat([
  sessionEntry.encode(entryTo(BACK, ENTRY_ESTABLISHED)),
  sessionEntry.encode(entryTo(FRONT, ENTRY_ESTABLISHED | ENTRY_BACK)),
]);

/** Packets leave as answers to what arrives from the other side. */
function entryTo(other: Flow4, flags: number): SessionEntry {
  return {
    ...{ sourceAddr: other.destinationAddr, sourcePort: other.destinationPort },
    ...{ destinationAddr: other.sourceAddr, destinationPort: other.sourcePort },
    ...{
      bytes: 0,
      packets: 0,
      slot: 0,
      seen: 0,
      handshakeAck: 2,
      awaitedSince: 2,
      listener: 0,
      backend: 0,
    },
    ...{ link: new Uint8Array(6), hop: { index: 0, generation: 0, period: 0, tos: 0 }, flags },
  };
}
