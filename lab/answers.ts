/** What the daemons of a lab answer, read for cases and tests. */

import type {
  CollisionCounterRow,
  CollisionRow,
  ListenerRow,
  NoteRow,
} from '../control/api/rows.ts';
import { getRows } from './daemons.ts';
import { type DaemonName, socketFile } from './paths.ts';
import { LabError } from './process.ts';

/** One list of the API of a lab's daemon. */
export async function list<Row>(instance: string, daemon: DaemonName, name: string) {
  const rows = await getRows(socketFile(instance, daemon), name);
  if (!Array.isArray(rows)) {
    throw new LabError('LAB_NOT_READY', `${daemon} of ${instance} does not list ${name}`);
  }
  return rows as Row[];
}

/** What was done about collisions since the agent was loaded, over all clients and servers. */
export async function collisionCounters(instance: string) {
  const sum = { remapped: 0, keptLocal: 0, dropped: 0 };
  for (const row of await list<CollisionCounterRow>(instance, 'agent', 'collision-counters')) {
    sum.remapped += row.remapped;
    sum.keptLocal += row.keptLocal;
    sum.dropped += row.dropped;
  }
  return sum;
}

export function collisions(instance: string): Promise<CollisionRow[]> {
  return list(instance, 'agent', 'collisions');
}

/** Connections that reached a server without a word of their client, over all listeners. */
export async function toaNotDelivered(instance: string): Promise<number> {
  const rows = await list<ListenerRow>(instance, 'balancer', 'listeners');
  return rows.reduce((sum, row) => sum + row.toaNotDelivered, 0);
}

/** The notes of a daemon by name. */
export async function notes(
  instance: string,
  daemon: DaemonName,
): Promise<ReadonlyMap<string, number>> {
  const rows = await list<NoteRow>(instance, daemon, 'notes');
  return new Map(rows.map(({ name, count }) => [name, count]));
}
