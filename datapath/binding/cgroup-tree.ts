/** The v2 cgroup hierarchy as directories. */
import { existsSync, statSync } from 'node:fs';

/** Where the v2 hierarchy is: alone, or beside version 1. */
const ROOTS = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'] as const;

/** The root of the v2 hierarchy; undefined when it is not mounted. */
export function cgroupRoot(): string | undefined {
  return ROOTS.find(isCgroup);
}

/** Is this a directory of a mounted v2 hierarchy? */
export function isCgroup(path: string): boolean {
  return existsSync(`${path}/cgroup.procs`) && existsSync(`${path}/cgroup.controllers`);
}

/** The kernel's number of a cgroup; a cgroup made again under the same name has another one. */
export function cgroupId(path: string): bigint {
  return statSync(path, { bigint: true }).ino;
}
