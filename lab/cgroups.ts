/** Cgroups of the lab's own, so that what is attached to its servers or clients reaches nobody else. */

import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { cgroupRoot } from '../datapath/binding/cgroup-tree.ts';
import { LabError, waitUntil } from './process.ts';

/** The cgroup of an instance's servers; undefined where no v2 hierarchy is mounted. */
export function serversCgroup(instance: string): string | undefined {
  const root = cgroupRoot();
  return root === undefined ? undefined : `${root}/fullnat-lab-${instance}`;
}

/** Makes the cgroup of the servers, or of another part; undefined where there are no v2 cgroups. */
export function createCgroup(instance: string, part?: string): string | undefined {
  const path = cgroupOf(instance, part);
  if (path !== undefined) mkdirSync(path, { recursive: true });
  return path;
}

/** The argument list that runs `argv` in the cgroup of the servers: its sockets belong to it. */
export function inServersCgroup(instance: string, argv: readonly string[]): string[] {
  const path = serversCgroup(instance);
  if (path === undefined || !existsSync(path)) return [...argv];
  // 0 is the shell itself, which exec turns into the program.
  return ['sh', '-c', 'echo 0 >"$0" && exec "$@"', `${path}/cgroup.procs`, ...argv];
}

/** Ends what still runs in it, and removes it; returns its path when it was there. */
export async function removeCgroup(instance: string, part?: string): Promise<string | undefined> {
  const path = cgroupOf(instance, part);
  if (path === undefined || !existsSync(path)) return undefined;
  const removed = await waitUntil(
    () => {
      for (const pid of processesIn(path)) kill(pid);
      return tryRemove(path);
    },
    { timeoutMs: 5_000 },
  );
  if (!removed)
    throw new LabError('LAB_NOT_READY', `cgroup ${path} cannot be removed; is it in use?`);
  return path;
}

function cgroupOf(instance: string, part?: string): string | undefined {
  const servers = serversCgroup(instance);
  return servers === undefined || part === undefined ? servers : `${servers}-${part}`;
}

function processesIn(path: string): number[] {
  return readFileSync(`${path}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function tryRemove(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
    throw error;
  }
}
