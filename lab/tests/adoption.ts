/** What a daemon must find again after its restart, and a watch on the filters it must not take away. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  AgentSessionRow,
  BalancerSessionRow,
  InfoRow,
  ListenerRow,
  ServerRow,
} from '../../control/api/rows.ts';
import { mapId } from '../../datapath/binding/kernel-object.ts';
import { openInstance } from '../../datapath/binding/object.ts';
import { listPins } from '../../datapath/binding/pins.ts';
import type { Lab } from '../lab.ts';
import type { DaemonName } from '../paths.ts';
import type { Role } from '../topology.ts';
import { CLIENT_ADDRESS } from '../topology.ts';
import { rowsOf } from './machine.ts';

export type Snapshot = {
  takenAtMs: number;
  adoptedMaps: number;
  mapIds: ReadonlyMap<string, number>;
  /** Of all listeners, or of all servers, since the maps were made. */
  connections: number;
  /** Established sessions of the role `client`, by all four ends. */
  sessions: ReadonlyMap<string, { ageSeconds: number; packetsIn: number }>;
};

const ROLE_OF: Readonly<Record<DaemonName, Role>> = { balancer: 'balancer', agent: 'host' };
const SHOW_ALL = 'state=established&limit=2000';
const MONITOR_START_MS = 300;

export async function snapshot(instance: string, name: DaemonName): Promise<Snapshot> {
  const takenAtMs = performance.now();
  const [info] = await rowsOf<InfoRow>(instance, name, 'info');
  assert.ok(info !== undefined);
  return {
    takenAtMs,
    adoptedMaps: info.adoptedMaps,
    mapIds: mapIdsOf(instance, name),
    connections: await connectionsOf(instance, name),
    sessions: await sessionsOf(instance, name),
  };
}

/** The later one goes on where the earlier one ended. */
export function assertAdopted(earlier: Snapshot, later: Snapshot): void {
  assert.deepEqual(later.mapIds, earlier.mapIds, 'the maps are the same ones');
  assert.equal(later.adoptedMaps, earlier.mapIds.size, 'every pinned map is adopted');
  assert.ok(later.connections > earlier.connections, 'counters go on, also without a daemon');
  assert.deepEqual([...later.sessions.keys()].toSorted(), [...earlier.sessions.keys()].toSorted());
  const passedSeconds = (later.takenAtMs - earlier.takenAtMs) / 1_000;
  for (const [ends, before] of earlier.sessions) {
    const now = later.sessions.get(ends);
    assert.ok(now !== undefined && now.packetsIn > before.packetsIn, `${ends} goes on`);
    assert.ok(now.ageSeconds > before.ageSeconds + passedSeconds / 2, `${ends} is the old one`);
  }
}

/** Lets the kernel tell every change of a filter in the daemon's namespace; returns them at the end. */
export async function watchFilters(lab: Lab, name: DaemonName): Promise<() => Promise<string[]>> {
  const monitor = lab.spawn(ROLE_OF[name], ['tc', 'monitor'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  monitor.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await sleep(MONITOR_START_MS);
  return async () => {
    const closed = once(monitor, 'close');
    monitor.kill('SIGTERM');
    await closed;
    return said.split('\n').filter((line) => /\bfilter dev\b/.test(line));
  };
}

function mapIdsOf(instance: string, name: DaemonName): Map<string, number> {
  const pinned = openInstance(instance, name);
  try {
    return new Map(
      listPins(instance, name).map(({ map }) => [map, mapId(pinned.map(map).fd, map)]),
    );
  } finally {
    pinned.close();
  }
}

async function connectionsOf(instance: string, name: DaemonName): Promise<number> {
  const resource = name === 'balancer' ? 'listeners' : 'servers';
  const rows = await rowsOf<ListenerRow | ServerRow>(instance, name, resource);
  return rows.reduce((sum, { connections }) => sum + connections, 0);
}

async function sessionsOf(instance: string, name: DaemonName): Promise<Snapshot['sessions']> {
  if (name === 'balancer') {
    const query = `sessions?client=${CLIENT_ADDRESS}&${SHOW_ALL}`;
    const rows = await rowsOf<BalancerSessionRow>(instance, name, query);
    return new Map(
      rows.map((row) => [`${row.client} ${row.listener} ${row.local} ${row.backend}`, row]),
    );
  }
  const rows = await rowsOf<AgentSessionRow>(
    instance,
    name,
    `sessions?visible=${CLIENT_ADDRESS}&${SHOW_ALL}`,
  );
  return new Map(rows.map((row) => [`${row.peer} ${row.local} ${row.server} ${row.visible}`, row]));
}
