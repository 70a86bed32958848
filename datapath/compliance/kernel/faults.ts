/** What must hold between the tables after every packet, whatever it was. */
import { ENTRY_BACK, NO_LOCAL, type SessionSlot } from '../../binding/contract.ts';
import type { CommonMaps } from '../../binding/object-maps.ts';
import { stateOf } from '../../binding/sessions.ts';
import { tupleOf } from './tuple.ts';

type Slots = readonly (readonly [index: number, slot: SessionSlot])[];

export function findFaults(maps: CommonMaps, slots: Slots): string[] {
  return [...entryFaults(maps, slots), ...countFaults(maps, slots)];
}

/** Every entry belongs to a session that names it; every session has its server's side. */
function entryFaults({ sessions }: CommonMaps, slots: Slots): string[] {
  const named = new Map(slots.map(([index, slot]) => [index, slot]));
  const faults: string[] = [];
  for (const key of sessions.keys()) {
    const entry = sessions.get(key);
    const slot = entry && named.get(entry.slot);
    const side = entry && entry.flags & ENTRY_BACK ? 'back' : 'front';
    if (!slot) faults.push(`${tupleOf(key)} belongs to a slot that is free`);
    else if (tupleOf(slot[side]) !== tupleOf(key))
      faults.push(`${tupleOf(key)} is not the ${side} of its slot`);
  }
  for (const [index, slot] of slots) {
    if (sessions.get(slot.back)?.slot !== index) faults.push(`${tupleOf(slot.back)} has no entry`);
    const isLive = stateOf(slot) !== 'time-wait' && stateOf(slot) !== 'reset';
    if (isLive && sessions.get(slot.front)?.slot !== index)
      faults.push(`${tupleOf(slot.front)} has no entry`);
  }
  return faults;
}

/** Counters that are kept while packets pass agree with what is there. */
function countFaults({ sweep, localPorts }: CommonMaps, slots: Slots): string[] {
  const states = slots.map(([, slot]) => stateOf(slot));
  const count = (...wanted: string[]) => states.filter((state) => wanted.includes(state)).length;
  const { opening, live, resting } = sweep.get(0).stats;
  const faults: string[] = [];
  const same = (what: string, is: number, should: number) => {
    if (is !== should) faults.push(`${what} is ${is}, should be ${should}`);
  };
  same('sweep.opening', opening, count('opening'));
  same('sweep.live', live, count('opening', 'established', 'closing'));
  same('sweep.resting', resting, count('time-wait', 'reset'));
  for (const pair of localPorts.keys()) {
    const own = slots
      .filter(
        ([, { local, backend }]) =>
          local !== NO_LOCAL && local === pair.local && backend === pair.backend,
      )
      .map(([, slot]) => stateOf(slot))
      .filter((state) => state !== 'dead');
    const rests = own.filter((state) => state === 'time-wait' || state === 'reset').length;
    const ports = localPorts.get(pair);
    same(`ports ${pair.local}/${pair.backend} in use`, ports?.inUse ?? 0, own.length - rests);
    same(`ports ${pair.local}/${pair.backend} resting`, ports?.resting ?? 0, rests);
  }
  return faults;
}
