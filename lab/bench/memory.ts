/** Kernel memory that the maps of balancer and agent take, in all and for each session. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadPrivateObject } from '../../datapath/binding/object.ts';

export type MemoryFigure = {
  role: 'balancer' | 'agent';
  capacity: number;
  /** Of each map whose size follows the capacity, by name. */
  maps: { name: string; bytes: number }[];
  bytesPerSession: number;
  /** Of all other maps together: what an instance takes before its first session. */
  otherBytes: number;
};

/** The maps of a session, and how many entries of each it takes. */
const SESSION_MAPS = { sessions: 2, session_slots: 1, free_slots: 1, numbers: 1 } as const;
const CAPACITIES = [65_536, 1_048_576];
const PROGRAMS = resolve(import.meta.dirname, '../../datapath');

export async function measureMemory(): Promise<MemoryFigure[]> {
  const figures: MemoryFigure[] = [];
  for (const role of ['balancer', 'agent'] as const)
    for (const capacity of CAPACITIES) figures.push(await measureRole(role, capacity));
  return figures;
}

async function measureRole(role: MemoryFigure['role'], capacity: number): Promise<MemoryFigure> {
  const capacities = Object.fromEntries(
    Object.entries(SESSION_MAPS).map(([name, entries]) => [name, entries * capacity]),
  );
  const path = `${PROGRAMS}/${role}/${role}.bpf.o`;
  const object = await loadPrivateObject({ path, capacities });
  try {
    const all = object.maps.map(({ name, fd }) => ({ name, bytes: bytesOf(fd) }));
    const maps = all.filter(({ name }) => name in SESSION_MAPS);
    const bytes = sum(maps);
    return {
      ...{ role, capacity, maps },
      bytesPerSession: bytes / capacity,
      otherBytes: sum(all) - bytes,
    };
  } finally {
    object.close();
  }
}

/** As the kernel counts it, bookkeeping and hash buckets included. */
function bytesOf(fd: number): number {
  return parseMemlock(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
}

export function parseMemlock(fdinfo: string): number {
  const bytes = /^memlock:\s*(\d+)$/m.exec(fdinfo)?.[1];
  if (bytes === undefined) throw new RangeError(`no memlock in ${fdinfo}`);
  return Number(bytes);
}

const sum = (maps: readonly { bytes: number }[]) =>
  maps.reduce((total, { bytes }) => total + bytes, 0);
