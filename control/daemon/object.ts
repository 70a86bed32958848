/** The kernel programs of a role, loaded with their maps pinned. */
import { fileURLToPath } from 'node:url';
import { loadObject, type Capacities, type LoadedObject } from '../../datapath/binding/object.ts';
import type { Role } from '../../datapath/binding/pins.ts';
import { NO_PACKET, testRunInBackground } from '../../datapath/binding/test-run.ts';
import type { Log } from './log.ts';

export async function loadRole(
  role: Role,
  instance: string,
  capacities: Capacities,
  log: Log,
): Promise<LoadedObject> {
  const path = fileURLToPath(new URL(`../../datapath/${role}/${role}.bpf.o`, import.meta.url));
  return loadObject({ path, instance, role, capacities, log });
}

/** Sets the kernel's timer off, or hands it to the new code when it is running. */
export async function startSweep(object: LoadedObject): Promise<void> {
  const { returnValue } = await testRunInBackground(object.program('start_sweep'), NO_PACKET);
  if (returnValue !== 0)
    throw new Error(
      `the kernel did not start the timer that expires sessions (step ${returnValue})`,
    );
}

/** Rounded up, so that small changes of a configuration fit what is pinned. */
export function roomFor(count: number, least: number): number {
  let room = least;
  while (room < count) room *= 2;
  return room;
}
