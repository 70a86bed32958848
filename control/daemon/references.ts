/** Which indices the sessions in the kernel refer to. */
import { offsetsOf } from '../../datapath/binding/codec.ts';
import { sessionSlot } from '../../datapath/binding/contract.ts';
import { findSlots, type SlotMaps } from './slots.ts';

export type References = {
  readonly listeners: ReadonlySet<number>;
  readonly backends: ReadonlySet<number>;
};

const SLOT = offsetsOf(sessionSlot, 'listener', 'backend');

export async function findReferences(maps: SlotMaps): Promise<References> {
  const found = { listeners: new Set<number>(), backends: new Set<number>() };
  for await (const { slots, at } of findSlots(maps))
    for (const here of at) {
      found.listeners.add(slots.readUInt16LE(here + SLOT.listener));
      found.backends.add(slots.readUInt16LE(here + SLOT.backend));
    }
  return found;
}
