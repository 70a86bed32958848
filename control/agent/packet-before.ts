/** Packet mode of an instance that goes on in socket mode. */
import { SLOT_REMAPPED } from '../../datapath/binding/contract.ts';
import { agentMaps } from '../../datapath/binding/object-maps.ts';
import { openInstance } from '../../datapath/binding/object.ts';
import { listPins } from '../../datapath/binding/pins.ts';
import { MachineError } from '../daemon/forwarding.ts';
import { sessionsIn } from '../daemon/slots.ts';
import type { ModeBefore } from './mode-before.ts';

/** The whole session table is walked. */
const LOOK_EVERY_MS = 5_000;

/** From now on it takes no new connection of a balancer; undefined when it is not there. */
export function takeOverPacketMode(instance: string): ModeBefore | undefined {
  const pins = listPins(instance, 'agent');
  if (pins.length === 0) return undefined;
  if (!pins.some(({ map }) => map === 'taken_over'))
    throw new MachineError(
      `packet mode of instance ${instance} is from a version that cannot be taken over; ` +
        `start this version with mode: packet once, then change the mode`,
    );
  const source = openInstance(instance, 'agent');
  try {
    agentMaps(source).takenOver.set(0, 1);
  } finally {
    source.close();
  }
  const remaining = () => countTranslated(instance);
  return { name: 'packet mode', holder: 'agent', lookEveryMs: LOOK_EVERY_MS, remaining };
}

/** Those with another tuple on the server than on the wire, live or resting. */
async function countTranslated(instance: string): Promise<number> {
  const source = openInstance(instance, 'agent');
  try {
    let count = 0;
    for await (const slots of sessionsIn(agentMaps(source)))
      count += slots.filter(
        ({ kind, flags }) => kind === 'restored' || (flags & SLOT_REMAPPED) !== 0,
      ).length;
    return count;
  } finally {
    source.close();
  }
}
