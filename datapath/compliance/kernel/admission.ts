/** The maps of the balancer's admission: lists, rates, clients and limits, as rows give them. */
import { cidr } from '../../../packet/index.ts';
import {
  CLIENT_WAYS,
  SEAT_HALF_OPEN,
  SEAT_NUMBER,
  type Admission,
  type Protection,
  type Rate,
  type SessionSlot,
  type SessionState,
} from '../../binding/contract.ts';
import type { KernelBalancerMaps } from '../../binding/object-maps.ts';
import { stateOf, ticksFromSeconds } from '../../binding/sessions.ts';
import type { AdmissionRow, BalancerTables, RateRow } from '../../model/index.ts';
import { clearHash, COUNTED } from './maps.ts';

export const ADMISSION_CAPACITIES = {
  admissions: COUNTED,
  listener_buckets: COUNTED,
  backend_limits: COUNTED,
  access_prefixes: 1_024,
  client_seats: 4,
  protections: COUNTED,
};

type Slots = readonly (readonly [index: number, slot: SessionSlot])[];

const LIST_BITS = 64;
const NO_RATE: Rate = { intervalNs: 0n, toleranceNs: 0n };
const LIVE: ReadonlySet<SessionState> = new Set(['opening', 'established', 'closing']);
/** Of the word of a seat. */
const COUNTS = 0xffff_ffffn;
const NO_PROTECTION: Protection = {
  opening: 0,
  active: 0,
  lastCookie: 0,
  periodStart: 0,
  sent: 0,
  accepted: 0,
};
const NO_SEAT = { word: 0n, nextNs: 0n };

export function writeAdmissions(maps: KernelBalancerMaps, tables: BalancerTables): void {
  clearHash(maps.accessPrefixes);
  for (let index = 0; index < COUNTED; index++) {
    const { access, ...row } = tables.listeners[index]?.admission ?? {};
    const list = access === undefined ? 0 : index + 1;
    maps.admissions.set(index, { ...limitsOf(row), access: BigInt(list) });
    for (const [prefix, meaning] of Object.entries(access ?? {})) {
      const { network, prefixBits } = cidr(prefix);
      maps.accessPrefixes.set(
        { bits: LIST_BITS + prefixBits, list: [list, 0], addr: network },
        meaning,
      );
    }
    maps.backendLimits.set(index, tables.backendLimits[index] ?? 0);
  }
}

/** No client has ever been here. */
export function forgetClients({
  listenerBuckets,
  clientSeats,
  protections,
}: KernelBalancerMaps): void {
  for (let index = 0; index < COUNTED; index++) protections.set(index, NO_PROTECTION);
  for (let index = 0; index < COUNTED; index++) listenerBuckets.set(index, 0n);
  for (let index = 0; index < clientSeats.length; index++)
    clientSeats.set(index, { seats: clientSeats.get(index).seats.map(() => NO_SEAT) });
}

/** As if so much time had gone by. */
export function fillBuckets(
  { listenerBuckets, clientSeats, protections }: KernelBalancerMaps,
  seconds: number,
): void {
  const ticks = ticksFromSeconds(seconds);
  for (let index = 0; index < COUNTED; index++) {
    const state = protections.get(index);
    protections.set(index, {
      ...state,
      lastCookie: state.lastCookie && (state.lastCookie - ticks) >>> 0,
      periodStart: (state.periodStart - ticks) >>> 0,
    });
  }
  const earlier = (ns: bigint) => (ns > nanoseconds(seconds) ? ns - nanoseconds(seconds) : 0n);
  for (let index = 0; index < COUNTED; index++)
    listenerBuckets.set(index, earlier(listenerBuckets.get(index)));
  for (let index = 0; index < clientSeats.length; index++) {
    const { seats } = clientSeats.get(index);
    clientSeats.set(index, {
      seats: seats.map(({ word, nextNs }) => ({ word, nextNs: earlier(nextNs) })),
    });
  }
}

/** What the program does for every session that it seizes. */
export function vacateSeats({ clientSeats, sessionSlots }: KernelBalancerMaps, slots: Slots): void {
  for (const [index, slot] of slots.filter(([, { seat }]) => seat !== 0)) {
    const number = seatOf(slot);
    const [set, way] = [Math.floor(number / CLIENT_WAYS), number % CLIENT_WAYS];
    const { seats } = clientSeats.get(set);
    clientSeats.set(set, {
      seats: seats.map((seat, i) =>
        i === way ? { ...seat, word: seat.word - shareOf(slot) } : seat,
      ),
    });
    sessionSlots.set(index, { ...slot, seat: 0 });
  }
}

/** A seat has as many sessions as there are that name it; only live ones do, and say whether they are half open. */
export function seatFaults({ clientSeats }: KernelBalancerMaps, slots: Slots): string[] {
  const should = new Map<number, bigint>();
  const faults: string[] = [];
  for (const [index, slot] of slots) {
    const state = stateOf(slot);
    if (slot.seat === 0) continue;
    if (!LIVE.has(state)) faults.push(`slot ${index} is ${state} and has a seat`);
    if (isHalfOpen(slot) !== (state === 'opening'))
      faults.push(`slot ${index} is ${state}, and not so for its client`);
    const seat = seatOf(slot);
    should.set(seat, (should.get(seat) ?? 0n) + shareOf(slot));
  }
  for (let set = 0; set < clientSeats.length; set++)
    clientSeats.get(set).seats.forEach(({ word }, way) => {
      const [is, ought] = [word & COUNTS, should.get(set * CLIENT_WAYS + way) ?? 0n];
      if (is !== ought) faults.push(`seat ${set}/${way} counts ${is}, should count ${ought}`);
    });
  return faults;
}

function shareOf(slot: SessionSlot): bigint {
  return isHalfOpen(slot) ? 0x1_0001n : 0x1_0000n;
}

function isHalfOpen({ seat }: SessionSlot): boolean {
  return seat >= SEAT_HALF_OPEN;
}

function seatOf({ seat }: SessionSlot): number {
  return (seat & SEAT_NUMBER) - 1;
}

function limitsOf({ rate, client, cookies }: AdmissionRow): Omit<Admission, 'access'> {
  return {
    rate: rateOf(rate),
    clientRate: rateOf(client?.rate),
    clientSessionsMax: client?.sessionsMax ?? 0,
    clientOpeningMax: client?.openingMax ?? 0,
    clientBits: client?.bits ?? 0,
    synThreshold: cookies?.threshold ?? 0,
  };
}

function rateOf(row: RateRow | undefined): Rate {
  if (row === undefined) return NO_RATE;
  const intervalNs = nanoseconds(row.everySeconds);
  return { intervalNs, toleranceNs: intervalNs * BigInt(row.burst - 1) };
}

function nanoseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9));
}
