/** Which indices the sessions in the kernel refer to. */
import type { CommonMaps } from '../../datapath/binding/object-maps.ts';
import { sessionsIn } from './slots.ts';

export type References = {
  readonly listeners: ReadonlySet<number>;
  readonly backends: ReadonlySet<number>;
};

export async function findReferences(
  maps: Pick<CommonMaps, 'sessionSlots' | 'sweep'>,
): Promise<References> {
  const found = { listeners: new Set<number>(), backends: new Set<number>() };
  for await (const slots of sessionsIn(maps))
    for (const { listener, backend } of slots) {
      found.listeners.add(listener);
      found.backends.add(backend);
    }
  return found;
}
