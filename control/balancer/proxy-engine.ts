/** The portable engine: this process accepts and connects, without rights and without programs in the kernel. */
import { readFileSync } from 'node:fs';
import type { Event } from '../../datapath/binding/contract.ts';
import { ticksNow } from '../../datapath/binding/sessions.ts';
import { dial } from '../../datapath/proxy/dial.ts';
import { ListenError } from '../../datapath/proxy/doors.ts';
import { proxyMaps } from '../../datapath/proxy/maps.ts';
import { Proxy, type Orders } from '../../datapath/proxy/proxy.ts';
import { SessionTable } from '../../datapath/proxy/session-table.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { MachineError } from '../daemon/forwarding.ts';
import type { Log } from '../daemon/log.ts';
import { randomSecret } from '../daemon/settings.ts';
import { capacitiesOf } from './capacities.ts';
import type { Engine } from './engine.ts';
import type { Indices } from './indices.ts';

/** As often as the kernel's timer looks at sessions. */
const SWEEP_MS = 1_000;
/** Events before anybody asks for them. */
const EVENTS_KEPT = 1_000;
/** Besides two for each session: listeners, checks, the daemon's own. */
const OTHER_FILES = 256;

export function proxyEngine(config: BalancerConfig, log: Log): Engine {
  const { instance } = config;
  const capacities = capacitiesOf(config);
  const sessions = new SessionTable(config.sessions.capacity);
  const maps = proxyMaps(capacities, sessions);
  const events = new EventQueue();
  const faults = new Set<string>();
  const [first = 0n, second = 0n] = randomSecret();
  const proxy = new Proxy({
    ...{ maps, sessions, dial, secret: [first, second] },
    clock: { ticks: () => ticksNow(), nanoseconds: () => Number(process.hrtime.bigint()) },
    onEvent: (event) => events.add(event),
    onFault: (data, message) => {
      const key = JSON.stringify([data, message]);
      if (!faults.has(key)) log.error(data, message); // once, not for each connection
      faults.add(key);
    },
  });
  let sweptMs = performance.now();
  let ended = 0;
  tellRoomForFiles(config, log);
  return {
    kind: 'proxy',
    maps,
    loaded: { adopted: [], programs: [] },
    fit: asProxied,
    check: async (wanted) => refuseOtherRoom(capacities, capacitiesOf(wanted)),
    open: async (wanted, indices) => {
      faults.clear();
      await proxy.place(ordersOf(wanted, indices)).catch((error: unknown) => {
        throw error instanceof ListenError ? new MachineError(error.message) : error;
      });
    },
    follow: () => {
      if (performance.now() - sweptMs < SWEEP_MS) return;
      sweptMs = performance.now();
      proxy.sweep();
    },
    readEvents: (onEvent, _, signal) => events.read(onEvent, signal),
    close: async () => void (ended = await proxy.close()),
    sayGoodbye: async () =>
      log.info({ role: 'balancer', instance, sessionsEnded: ended }, 'stopped; sessions are ended'),
  };
}

/** The configuration as a process can have it: TOA is in packets, which are the kernel's. */
function asProxied(config: BalancerConfig): BalancerConfig {
  return { ...config, listeners: config.listeners.map((one) => ({ ...one, toa: 'off' })) };
}

function ordersOf({ listeners, pools, timeouts, sessions }: BalancerConfig, indices: Indices) {
  const announcing = pools
    .filter(({ proxyProtocol }) => proxyProtocol === 'v2')
    .flatMap(({ name }) => indices.pools.get(name) ?? []);
  const { openingMs, establishedMs, closingMs } = timeouts;
  return {
    ...{ openingMs, establishedMs, closingMs },
    openingMax: sessions.openingMax,
    listeners: listeners.map(({ address }) => address),
    announcing: new Set(announcing),
  } satisfies Orders;
}

function refuseOtherRoom(
  room: Readonly<Record<string, number>>,
  wanted: Readonly<Record<string, number>>,
): void {
  const changed = Object.entries(wanted).find(([name, entries]) => room[name] !== entries);
  if (changed === undefined) return;
  const [name, entries] = changed;
  throw new MachineError(
    `map ${name} has room for ${room[name]} entries, ${entries} are wanted; start the daemon again, which ends its sessions, or keep the old value`,
  );
}

/** Two sockets a session: fewer may be open than `sessions.capacity` needs. */
function tellRoomForFiles({ sessions: { capacity } }: BalancerConfig, log: Log): void {
  const open = openFilesMax();
  if (open === undefined || open >= 2 * capacity + OTHER_FILES) return;
  log.info(
    { openFiles: open, sessions: Math.floor((open - OTHER_FILES) / 2), capacity },
    'the limit of open files allows fewer sessions than sessions.capacity; raise it with ulimit -n, or LimitNOFILE=',
  );
}

/** Undefined where there is no limit, or nothing to read it from. */
function openFilesMax(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Keeps the first events until somebody reads. */
class EventQueue {
  #waiting: Event[] = [];
  #reader: ((event: Event) => void) | undefined;

  add(event: Event): void {
    if (this.#reader !== undefined) this.#reader(event);
    else if (this.#waiting.length < EVENTS_KEPT) this.#waiting.push(event);
  }

  read(onEvent: (event: Event) => void, signal: AbortSignal): void {
    this.#reader = onEvent;
    for (const event of this.#waiting.splice(0)) onEvent(event);
    signal.addEventListener('abort', () => (this.#reader = undefined), { once: true });
  }
}
