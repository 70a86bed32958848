/** The loaded balancer as a `DataPath`. */
import { endpoint, ipv4Address, PROTOCOL_TCP, port } from '../../../packet/index.ts';
import { SCHEDULE_WEIGHT_SHIFT } from '../../binding/contract.ts';
import { update, valueBytesOf } from '../../binding/kernel-map.ts';
import type { MapRef } from '../../binding/kernel-object.ts';
import { balancerMaps } from '../../binding/object-maps.ts';
import { loadPrivateObject } from '../../binding/object.ts';
import type { BalancerTables, State } from '../../model/index.ts';
import {
  ADMISSION_CAPACITIES,
  fillBuckets,
  forgetClients,
  seatFaults,
  vacateSeats,
  writeAdmissions,
} from './admission.ts';
import { clearHash, COUNTED, SessionMaps, settingsOf, type KernelOptions } from './maps.ts';
import { objectPath } from './private-network.ts';
import { Runs, type KernelPath } from './run.ts';

const NANOSECONDS_PER_SECOND = 1e9;
const CAPACITIES = {
  sessions: 16_384,
  session_slots: 8_192,
  free_slots: 8_192,
  numbers: 8_192,
  splices: 8_192,
  local_ports: 64,
  listeners: 16,
  pools: 8,
  schedule: 256,
  schedule_cursor: 8,
  sticky_clients: 64,
  backends: COUNTED,
  locals: 16,
  locals_by_addr: 16,
  listener_traffic: COUNTED,
  listener_outcomes: COUNTED,
  backend_traffic: COUNTED,
  listener_live: COUNTED,
  backend_live: COUNTED,
  backend_ends: COUNTED,
  backend_trouble: COUNTED,
  ...ADMISSION_CAPACITIES,
};

export async function loadBalancer(
  options: KernelOptions = {},
): Promise<KernelPath<BalancerTables>> {
  const object = await loadPrivateObject({ path: objectPath('balancer'), capacities: CAPACITIES });
  const [maps, program] = [balancerMaps(object), object.program('balancer_ingress')];
  const runs = new Runs({ front: program, back: program }, maps);
  const sessions = new SessionMaps(object, maps);
  const configure = (tables: BalancerTables) => write(maps, tables);
  return {
    reset: (tables) => {
      sessions.clear();
      for (let i = 0; i < COUNTED; i++) {
        maps.listenerTraffic.clear(i);
        maps.listenerOutcomes.clear(i);
        maps.listenerLive.set(i, 0);
        maps.backendLive.set(i, 0);
        maps.backendTrouble.set(i, { refused: 0, unanswered: 0 });
      }
      forgetClients(maps);
      clearHash(maps.stickyClients);
      configure(tables);
      clearScheduleCursors(object.map('schedule_cursor'));
      if (options.portStart !== undefined)
        sessions.enterPortsAt(options.portStart, tables.locals.length, tables.backends.length);
    },
    reconfigure: configure,
    runs,
    receive: (frame, from) => runs.receive(frame, from),
    elapse: (seconds) => {
      sessions.age(seconds);
      fillBuckets(maps, seconds);
      forgetSooner(maps, seconds);
    },
    carry: (bytes, from) => sessions.carry(bytes, from),
    refillBudgets: () => sessions.refillBudgets(),
    seize: () => {
      vacateSeats(maps, sessions.slots());
      sessions.seize();
    },
    sweep: () => sessions.sweep(),
    state: (): State => ({
      ...sessions.state(),
      listeners: maps.listenerTraffic.sums(COUNTED),
      trouble: troubleIn(maps),
      outcomes: maps.listenerOutcomes
        .sums(COUNTED)
        .map(({ answers, resetsClient, resetsServer }) => ({
          answered: answers.reduce((sum, count) => sum + count, 0),
          ...{ resetsClient, resetsServer },
        })),
      faults: [...sessions.state().faults, ...seatFaults(maps, sessions.slots())],
    }),
    close: () => {
      sessions.close();
      object.close();
    },
  };
}

function write(maps: ReturnType<typeof balancerMaps>, tables: BalancerTables): void {
  clearHash(maps.listeners);
  clearHash(maps.localsByAddr);
  const [localCount, clientSets] = [tables.locals.length, maps.clientSeats.length];
  maps.settings.set(0, settingsOf(tables, { localCount, clientSets }));
  for (const [index, row] of tables.listeners.entries()) {
    const { at, admission, ...listener } = row;
    const synProtection = admission.cookies?.when ?? 'off';
    maps.listeners.set(keyOf(at), { ...listener, synProtection, index });
  }
  writeAdmissions(maps, tables);
  for (let index = 0; index < COUNTED; index++) {
    const at = tables.backends[index];
    const { address: addr, port: number } = endpoint(at ?? '0.0.0.0:0');
    const out = !tables.pools.some(({ schedule }) => schedule.includes(index));
    maps.backends.set(index, { addr, port: number, used: at !== undefined, out });
    maps.backendEnds.set(index, tables.ended.includes(index) ? 1n : 0n);
  }
  tables.locals.forEach(({ address, ports: [low, high] }, index) => {
    const addr = ipv4Address(address);
    maps.locals.set(index, { addr, portLow: port(low), portHigh: port(high) });
    maps.localsByAddr.set(addr, index);
  });
  let first = 0;
  tables.pools.forEach(({ schedule, select, weights, seed, sticky, locals }, index) => {
    schedule.forEach((backend, i) => {
      const weight = weights?.[backend] ?? 1;
      maps.schedule.set(first + i, ((weight << SCHEDULE_WEIGHT_SHIFT) | backend) >>> 0);
    });
    const table = (BigInt(first) << 32n) | BigInt(schedule.length);
    const [localsFirst, localsCount] = [locals.first, locals.count];
    const [stickyBits, stickySeconds] = [sticky?.bits ?? 0, sticky?.seconds ?? 0];
    maps.pools.set(index, {
      ...{ table, select, stickyBits, stickySeconds, localsFirst, localsCount, seed },
    });
    first += schedule.length;
  });
}

function troubleIn({ backendTrouble }: ReturnType<typeof balancerMaps>): State['trouble'] {
  const all = Array.from({ length: COUNTED }, (_, index) => backendTrouble.get(index));
  return Object.fromEntries(
    [...all.entries()].filter(([, { refused, unanswered }]) => refused + unanswered > 0),
  );
}

/** As if so much time had passed since clients came. */
function forgetSooner({ stickyClients }: ReturnType<typeof balancerMaps>, seconds: number): void {
  for (const key of [...stickyClients.keys()]) {
    const sticky = stickyClients.get(key);
    if (sticky === undefined) continue;
    const untilNs = sticky.untilNs - BigInt(seconds * NANOSECONDS_PER_SECOND);
    stickyClients.set(key, { ...sticky, untilNs: untilNs > 0n ? untilNs : 0n });
  }
}

/** Each pool begins with the first backend of its schedule again. */
function clearScheduleCursors(map: MapRef): void {
  for (let pool = 0; pool < CAPACITIES.schedule_cursor; pool++) {
    const key = Buffer.alloc(4);
    key.writeUInt32LE(pool);
    update(map, key, Buffer.alloc(valueBytesOf(map)));
  }
}

function keyOf(at: string) {
  const { address: addr, port: number } = endpoint(at);
  return { addr, port: number, protocol: PROTOCOL_TCP };
}
