/** Walks the session slots in use: read off the main thread, in batches short enough for the event loop. */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import { sessionSlot, type SessionSlot } from '../../datapath/binding/contract.ts';
import type { RawValues } from '../../datapath/binding/map.ts';
import { isSession, type SlotFilter } from './slot-filter.ts';

/** Of the maps, what the walk needs. */
export type SlotMaps = {
  readonly sessionSlots: {
    readonly length: number;
    raw(range: { from: number; to: number; batchEntries: number }): AsyncIterable<RawValues>;
  };
  readonly sweep: { get(index: number): { readonly stats: { readonly highWater: number } } };
};

/** Slots of sessions that were found, still as bytes: `at` says where each begins. */
export type FoundSlots = {
  /** Index of the first slot of `slots`. */
  readonly first: number;
  readonly slots: Buffer;
  readonly at: readonly number[];
};

/** 256 KiB; 0.2 ms for a filter. */
const BATCH_SLOTS = 4_096;
/** What may be made into values at a stretch: about 0.5 ms. */
const VALUES_AT_ONCE = 256;

/**
 * Sessions that live or rest and pass the filter, from slot `from` on; those that begin or end
 * meanwhile may be missed.
 */
export async function* findSlots(
  { sessionSlots, sweep }: SlotMaps,
  filter: SlotFilter = () => true,
  from = 0,
): AsyncGenerator<FoundSlots> {
  const to = Math.min(sweep.get(0).stats.highWater, sessionSlots.length);
  const batches = sessionSlots.raw({ from, to, batchEntries: BATCH_SLOTS });
  for await (const { first, values, count } of batches) {
    const at: number[] = [];
    for (let here = 0; here < count * sessionSlot.bytes; here += sessionSlot.bytes)
      if (isSession(values, here) && filter(values, here)) at.push(here);
    yield { first, slots: values, at };
  }
}

/** Every session, as values. */
export async function* sessionsIn(maps: SlotMaps): AsyncGenerator<SessionSlot[]> {
  for await (const { slots, at } of findSlots(maps))
    for (let i = 0; i < at.length; i += VALUES_AT_ONCE) {
      yield at.slice(i, i + VALUES_AT_ONCE).map((here) => sessionSlot.read(slots, here));
      await yieldToLoop();
    }
}
