/** Attaches programs to a cgroup of the v2 hierarchy by links that are pinned, and so outlive the daemon. */
import { closeSync, existsSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { cgroupId } from './cgroup-tree.ts';
import { linkedCgroup, type ProgramRef } from './kernel-object.ts';
import { check, lib, type LinkFd } from './libbpf.ts';
import { roleDirectory } from './pins.ts';

/** Numbers of enum bpf_attach_type. */
const ATTACH_TYPE = { sockops: 3, connect4: 10, getpeername4: 29, getpeername6: 30 } as const;

export type CgroupHook = keyof typeof ATTACH_TYPE;
export type CgroupPlace = { instance: string; cgroup: string; hook: CgroupHook };

/**
 * Attaches and pins, or replaces in one step the program of an earlier daemon. When that was
 * attached to another cgroup, the new one is covered before the old one is given up.
 */
export function attachToCgroup(program: ProgramRef, place: CgroupPlace): void {
  const pin = linkPin(place);
  const earlier = openLink(pin);
  if (earlier !== undefined) {
    try {
      if (linkedCgroup(earlier, place.hook) === cgroupId(place.cgroup)) {
        const result: number = lib().linkUpdate(earlier, program.fd, null);
        check(result, 'replace the program of', pin);
        return;
      }
    } finally {
      closeSync(earlier);
    }
  }
  const link = linkToCgroup(program, place.cgroup, place.hook);
  try {
    const fresh = `${pin}_new`;
    if (existsSync(fresh)) unlinkSync(fresh);
    check(lib().pin(link, fresh), 'pin', fresh);
    renameSync(fresh, pin);
  } finally {
    closeSync(link);
  }
}

/** How many of an instance's hooks are attached. */
export function countCgroupLinks(instance: string): number {
  const hooks = Object.keys(ATTACH_TYPE) as CgroupHook[];
  return hooks.filter((hook) => existsSync(linkPin({ instance, hook }))).length;
}

/** Where the iterator is pinned that makes listeners forget what socket mode asked of them. */
export function uncoverPin(instance: string): string {
  return `${roleDirectory(instance, 'socket')}/link_uncover`;
}

/** Where the iterator is pinned that lists the sockets whose clients socket mode knows. */
export function clientsPin(instance: string): string {
  return `${roleDirectory(instance, 'socket')}/link_clients`;
}

/** Attaches for as long as the link is open; the caller closes it. */
export function linkToCgroup(program: ProgramRef, cgroup: string, hook: CgroupHook): LinkFd {
  const directory = openSync(cgroup, 'r');
  try {
    const result: number = lib().linkCreate(program.fd, directory, ATTACH_TYPE[hook], null);
    return check(result, `attach ${program.name} to`, `cgroup ${cgroup}`) as LinkFd;
  } finally {
    closeSync(directory);
  }
}

function openLink(pin: string): LinkFd | undefined {
  const fd: number = lib().getPinned(pin);
  if (fd === -2) return undefined;
  return check(fd, 'open pinned link', pin) as LinkFd;
}

function linkPin({ instance, hook }: Omit<CgroupPlace, 'cgroup'>): string {
  return `${roleDirectory(instance, 'socket')}/link_${hook}`;
}
