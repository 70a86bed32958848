/** Socket mode of an instance that goes on in packet mode. */
import { existsSync } from 'node:fs';
import { clientsPin } from '../../datapath/binding/cgroup.ts';
import { clientRecord } from '../../datapath/binding/contract.ts';
import { runPinned } from '../../datapath/binding/iterator.ts';
import { socketMaps } from '../../datapath/binding/object-maps.ts';
import { openInstance } from '../../datapath/binding/object.ts';
import type { ModeBefore } from './mode-before.ts';

/** One look at the sockets whose clients are known. */
const LOOK_EVERY_MS = 2_000;

/**
 * Undefined when it is not there. Handshakes that packet mode did not see from their SYN on are
 * still learned from until the first look; from then on it takes no new connection.
 */
export function takeOverSocketMode(instance: string): ModeBefore | undefined {
  if (!existsSync(clientsPin(instance))) return undefined;
  const remaining = async () => {
    coverNobody(instance);
    return runPinned(clientsPin(instance)).length / clientRecord.bytes;
  };
  return { name: 'socket mode', holder: 'socket', lookEveryMs: LOOK_EVERY_MS, remaining };
}

/** Only those in a list that is empty. */
function coverNobody(instance: string): void {
  const source = openInstance(instance, 'socket');
  try {
    const { socketSettings, socketServers } = socketMaps(source);
    for (const server of [...socketServers.keys()]) socketServers.delete(server);
    socketSettings.set(0, { ...socketSettings.get(0), serversOnly: 1 });
  } finally {
    source.close();
  }
}
