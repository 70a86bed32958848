/** Walks the session slots in use, in batches short enough for the event loop. */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import type { SessionSlot } from '../../datapath/binding/contract.ts';
import type { CommonMaps } from '../../datapath/binding/object-maps.ts';
import { stateOf } from '../../datapath/binding/sessions.ts';

/** With the counters of each read, about 1 ms; a whole table of 262,144 takes 0.4 s. */
const BATCH_SLOTS = 256;

/** Sessions that live or rest; those that begin or end meanwhile may be missed. */
export async function* sessionsIn(
  maps: Pick<CommonMaps, 'sessionSlots' | 'sweep'>,
): AsyncGenerator<SessionSlot[]> {
  const { highWater } = maps.sweep.get(0).stats;
  const to = Math.min(highWater, maps.sessionSlots.length);
  for await (const batch of maps.sessionSlots.entries({ to, batchEntries: BATCH_SLOTS })) {
    yield batch.map(([, slot]) => slot).filter(isSession);
    await yieldToLoop();
  }
}

function isSession(slot: SessionSlot): boolean {
  const state = stateOf(slot);
  return state !== 'free' && state !== 'dead';
}
