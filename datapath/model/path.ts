/** The model as a `DataPath`: whole, with a clock that goes on when it is told to. */
import { balance } from './balancer/balancer.ts';
import { newBalancer, reconfigured as otherBalancer } from './balancer/parts.ts';
import { restore } from './agent/agent.ts';
import { newAgent, reconfigured as otherAgent } from './agent/parts.ts';
import type {
  AgentTables,
  BalancerTables,
  DataPath,
  Outcome,
  SessionLimits,
  Side,
  State,
} from './data-path.ts';
import type { Journal } from './journal.ts';
import type { PortRanges } from './reserve.ts';
import { viewOfSession, isLive, type Direction } from './session.ts';
import type { SessionTable } from './session-table.ts';
import { ticksFromSeconds, type Clock, type World } from './world.ts';

/** What both kinds of data path have. */
interface Parts<Tables> {
  readonly tables: Tables;
  readonly sessions: SessionTable<Direction>;
  readonly ports: PortRanges;
  readonly journal: Journal;
}

/** How one kind begins, goes on with other tables, and treats a frame. */
interface Kind<Tables, P extends Parts<Tables>> {
  begin(world: World, tables: Tables): P;
  reconfigured(path: P, tables: Tables): P;
  receive(path: P, frame: Uint8Array, from: Side): Outcome;
  /** Whether the counters by listener are part of it. */
  readonly hasListeners: boolean;
}

/** Any moment but 0, which no kernel's clock shows. */
const START_TICKS = 1_000_000;

export function modelBalancer(
  around: Omit<World, 'clock'>,
  tables: BalancerTables,
): DataPath<BalancerTables> {
  return dataPath(around, tables, {
    begin: newBalancer,
    reconfigured: otherBalancer,
    receive: balance,
    hasListeners: true,
  });
}

export function modelAgent(
  around: Omit<World, 'clock'>,
  tables: AgentTables,
): DataPath<AgentTables> {
  return dataPath(around, tables, {
    begin: newAgent,
    reconfigured: otherAgent,
    receive: restore,
    hasListeners: false,
  });
}

function dataPath<Tables extends SessionLimits, P extends Parts<Tables>>(
  around: Omit<World, 'clock'>,
  first: Tables,
  kind: Kind<Tables, P>,
): DataPath<Tables> {
  let now = START_TICKS;
  const clock: Clock = { now: () => now };
  const world = { ...around, clock };
  let path = kind.begin(world, first);
  return {
    reset: (tables) => {
      path = kind.begin(world, tables);
    },
    reconfigure: (tables) => {
      path = kind.reconfigured(path, tables);
    },
    receive: (frame, from) => kind.receive(path, frame, from),
    elapse: (seconds) => {
      now += ticksFromSeconds(seconds);
    },
    carry: (bytes, from) => {
      for (const session of path.sessions.all()) {
        const direction = path.sessions.find(session[from]);
        if (direction?.session === session) direction.receivedBytes += bytes;
      }
    },
    seize: () => {
      for (const session of path.sessions.all().filter(isLive)) session.state = 'dead';
    },
    sweep: async () => {
      path.sessions.expire(path.tables, now);
    },
    state: () => stateOf(path, kind.hasListeners),
    close: () => {},
  };
}

function stateOf<Tables>(path: Parts<Tables>, hasListeners: boolean): State {
  const sessions = path.sessions.all();
  return {
    sessions: sessions.map(viewOfSession),
    ports: path.ports.view(sessions),
    evicted: path.sessions.evicted,
    events: [...path.journal.events],
    listeners: hasListeners ? path.journal.listeners.map((one) => ({ ...one })) : [],
    outcomes: hasListeners ? path.journal.outcomes.map((one) => ({ ...one })) : [],
    backends: path.journal.backends.map((one) => ({ ...one })),
    trouble: Object.fromEntries(path.journal.trouble),
    faults: [], // there are no two places that could contradict each other
  };
}
