/** What a daemon and the kernel hold for an instance: looked at again and again, it must not grow. */

import { readdirSync, readFileSync } from 'node:fs';
import type { InfoRow, LocalRow } from '../../control/api/rows.ts';
import { list } from '../answers.ts';
import { countRows, DAEMONS, daemonStatus } from '../daemons.ts';
import { openInstance } from '../../datapath/binding/object.ts';
import { mapId } from '../../datapath/binding/kernel-object.ts';
import { listPins } from '../../datapath/binding/pins.ts';
import { socketFile } from '../paths.ts';
import { runProgram } from '../process.ts';

/** Metric → figure. */
export type Sample = ReadonlyMap<string, number>;

export async function sample(instance: string): Promise<Sample> {
  const figures = new Map<string, number>();
  for (const name of DAEMONS) {
    const { pid } = await daemonStatus(instance, name);
    if (pid === undefined) continue;
    figures.set(`${name}: memory, MiB`, Math.round(residentBytes(pid) / 2 ** 20));
    figures.set(`${name}: open files`, readdirSync(`/proc/${pid}/fd`).length);
    const [info] = await list<InfoRow>(instance, name, 'info');
    if (info === undefined) continue;
    const { opening, live, resting } = info.sweep;
    figures.set(
      `${name}: sessions`,
      name === 'balancer' ? live + resting : await restored(instance),
    );
    figures.set(`${name}: half-open`, opening);
    const kernel = await kernelHolds(instance, name);
    figures.set(`${name}: programs in the kernel`, kernel.programs);
    figures.set(`${name}: maps in the kernel, KiB`, Math.round(kernel.mapBytes / 1024));
  }
  const locals = await list<LocalRow>(instance, 'balancer', 'locals');
  figures.set(
    'balancer: local ports held',
    locals.reduce((sum, { inUse, resting }) => sum + inUse + resting, 0),
  );
  return figures;
}

/** Without direct connections: health checks begin and end all the time. */
async function restored(instance: string): Promise<number> {
  const socket = socketFile(instance, 'agent');
  const counts = await Promise.all(
    ['restored', 'kept'].map((kind) => countRows(socket, `sessions?kind=${kind}&limit=1`)),
  );
  return counts.reduce<number>((sum, count) => sum + (count ?? NaN), 0);
}

function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib ?? NaN) * 1024;
}

/** Maps of an instance, and the programs that use them: those of ended daemons, too, if they leaked. */
async function kernelHolds(instance: string, role: (typeof DAEMONS)[number]) {
  const pinned = openInstance(instance, role);
  const ids = listPins(instance, role).map(({ map }) => mapId(pinned.map(map).fd, map));
  pinned.close();
  const read = async (what: string) =>
    JSON.parse((await runProgram(['bpftool', '-j', what, 'show'])).stdout) as Listed[];
  const isOurs = ({ map_ids: used = [] }: Listed) => used.some((id) => ids.includes(id));
  const programs = (await read('prog')).filter(isOurs);
  const maps = (await read('map')).filter(({ id }) => ids.includes(id));
  return {
    programs: programs.length,
    mapBytes: maps.reduce((sum, { bytes_memlock: bytes = 0 }) => sum + bytes, 0),
  };
}

type Listed = { id: number; map_ids?: number[]; bytes_memlock?: number };
