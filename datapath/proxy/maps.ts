/** The maps that control writes and reads, in this process; what concerns live sessions is read from them. */
import {
  flow4,
  sessionEntry,
  sessionSlot,
  sweep,
  type Flow4,
  type SessionEntry,
  type SessionSlot,
  type Sweep,
  type Traffic,
} from '../binding/contract.ts';
import { MemoryList, MemoryTable, memoryMaps, type MemoryCounters } from '../binding/memory-map.ts';
import { balancerMapsIn, type BalancerMaps } from '../binding/object-maps.ts';
import type { Capacities } from '../binding/object.ts';
import type { SessionTable } from './session-table.ts';
import { slotOf } from './session.ts';

/** Counters can be added to where no kernel does it. */
export type ProxyMaps = Omit<BalancerMaps, keyof Counted> & Counted;
type Counted = {
  readonly listenerTraffic: MemoryCounters<Traffic>;
  readonly backendTraffic: MemoryCounters<Traffic>;
  readonly verdicts: MemoryCounters<number>;
  readonly notes: MemoryCounters<number>;
};

const NO_ENTRY = sessionEntry.decode(Buffer.alloc(sessionEntry.bytes));

export function proxyMaps(capacities: Capacities, sessions: SessionTable): ProxyMaps {
  return {
    ...(balancerMapsIn(memoryMaps(capacities)) as ProxyMaps),
    sessionSlots: new SlotsOf(sessions),
    sessions: new EntriesOf(sessions),
    sweep: new SweepOf(sessions),
  };
}

class SlotsOf extends MemoryList<SessionSlot> {
  readonly #sessions: SessionTable;

  constructor(sessions: SessionTable) {
    super({ name: 'session_slots', capacity: sessions.capacity }, sessionSlot);
    this.#sessions = sessions;
  }

  override get(index: number): SessionSlot {
    const session = this.#sessions.at(index);
    return session === undefined ? super.get(index) : slotOf(session);
  }
}

/** Two for each session, by what either end sends: bytes, and no packets, which only a kernel sees. */
class EntriesOf extends MemoryTable<Flow4, SessionEntry> {
  readonly #sessions: SessionTable;

  constructor(sessions: SessionTable) {
    super({ name: 'sessions', capacity: 2 * sessions.capacity }, flow4);
    this.#sessions = sessions;
  }

  override get(key: Flow4): SessionEntry | undefined {
    const source = { address: key.sourceAddr, port: key.sourcePort };
    const destination = { address: key.destinationAddr, port: key.destinationPort };
    const asClient = this.#sessions.ofClient(source, destination);
    if (asClient !== undefined) return { ...NO_ENTRY, bytes: asClient.front.bytesRead };
    const asServer = this.#sessions.ofServer(source, destination);
    return asServer?.way && { ...NO_ENTRY, bytes: asServer.way.back.bytesRead };
  }

  override async count(): Promise<number> {
    return 2 * this.#sessions.live;
  }
}

class SweepOf extends MemoryList<Sweep> {
  readonly #sessions: SessionTable;

  constructor(sessions: SessionTable) {
    super({ name: 'sweep', capacity: 1 }, sweep);
    this.#sessions = sessions;
  }

  override get(index: number): Sweep {
    const { highWater, opening, live } = this.#sessions;
    return { stats: { ...super.get(index).stats, highWater, opening, live, resting: 0 } };
  }
}
