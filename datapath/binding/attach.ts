/** Puts an instance's programs on interfaces, and takes everything of an instance off again. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { programInfo, type ProgramRef } from './kernel-object.ts';
import { countSessions } from './object.ts';
import { countCgroupLinks, uncoverPin } from './cgroup.ts';
import { BpfError } from './errors.ts';
import { runPinnedInEveryNamespace } from './iterator.ts';
import { livingNamespaces, namespaceId, OWN_NAMESPACE } from './network-namespaces.ts';
import {
  clearMark,
  listInstances,
  listMarks,
  removePins,
  HOLDERS,
  setMark,
  type Holder,
} from './pins.ts';
import {
  attachedProgramId,
  attachFilter,
  createClsact,
  destroyClsact,
  detachFilter,
  interfaceNamed,
  type Direction,
  type Hook,
  type Interface,
} from './tc.ts';

export type Attachment = {
  instance: string;
  role: Holder;
  interface: string;
  direction: Direction;
};
export type Detached = {
  /** `eth0 ingress` … */
  filters: string[];
  /** Interfaces whose clsact qdisc we had made and nobody else used. */
  qdiscs: string[];
  /** Programs that were attached to a cgroup. */
  links: number;
  pins: number;
  sessionsEnded: number;
  /** Roles still attached in another, living network namespace: nothing of them was removed. */
  elsewhere: { role: Holder; namespace: string }[];
};

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

/**
 * Attaches, or replaces without a gap what this instance had there; other tools' filters stay.
 * Throws BPF_BUSY where another instance, or the other role, is attached: there is one place.
 */
export function attach(program: ProgramRef, at: Attachment): void {
  const hook = { interface: interfaceNamed(at.interface), direction: at.direction };
  refuseOthersPlace(hook, at);
  if (createClsact(hook.interface)) setMark(at.instance, at.role, clsactMark(hook.interface));
  const { id } = programInfo(program.fd, program.name);
  // Both are there for a moment, so that whichever is attached is known to be ours.
  setMark(at.instance, at.role, filterMark(hook, id));
  attachFilter(hook, program);
  clearFilterMarks(at.instance, at.role, hook, id);
}

/** Whether this very program is what runs there. */
export function isAttached(program: ProgramRef, at: Attachment): boolean {
  const hook = { interface: interfaceNamed(at.interface), direction: at.direction };
  return attachedProgramId(hook) === programInfo(program.fd, program.name).id;
}

/** Index of the interface as long as this instance has not been taken off it by `detach`. */
export function heldIndex(at: Attachment): number | undefined {
  const hook = { interface: interfaceNamed(at.interface), direction: at.direction };
  const isHeld = filterMarks(at.instance, at.role, hook).length > 0;
  return isHeld ? hook.interface.index : undefined;
}

/** Takes one filter off; returns whether there was one of this instance. */
export function detach(at: Attachment): boolean {
  const hook = { interface: interfaceNamed(at.interface), direction: at.direction };
  const removed = isOf(hook, at.instance, at.role) && detachFilter(hook);
  clearFilterMarks(at.instance, at.role, hook);
  removeClsact(at.instance, at.role, hook.interface);
  return removed;
}

/** Removes filters of this network namespace, the qdiscs we made, and the pins; ends every session. */
export async function detachInstance(
  instance: string,
  roles: readonly Holder[] = HOLDERS,
): Promise<Detached> {
  const done: Detached = {
    filters: [],
    qdiscs: [],
    links: 0,
    pins: 0,
    sessionsEnded: 0,
    elsewhere: [],
  };
  for (const role of roles) {
    const sessions = await countSessions(instance, role);
    for (const target of interfaces()) {
      for (const direction of DIRECTIONS) {
        const hook = { interface: target, direction };
        if (isOf(hook, instance, role) && detachFilter(hook))
          done.filters.push(`${target.name} ${direction}`);
        clearFilterMarks(instance, role, hook);
      }
      if (removeClsact(instance, role, target)) done.qdiscs.push(target.name);
    }
    const namespace = attachedElsewhere(instance, role);
    if (namespace !== undefined) {
      done.elsewhere.push({ role, namespace });
      continue;
    }
    if (role === 'socket') {
      runPinnedInEveryNamespace(uncoverPin(instance));
      done.links += countCgroupLinks(instance);
    }
    done.pins += removePins(instance, role);
    done.sessionsEnded += sessions;
  }
  return done;
}

/**
 * By the number of the program, which is marked beside the pins: to ask the kernel what program
 * has a number takes CAP_SYS_ADMIN, which a daemon does not have.
 */
function isOf(hook: Hook, instance: string, role: Holder): boolean {
  const id = attachedProgramId(hook);
  return id !== undefined && filterMarks(instance, role, hook).includes(filterMark(hook, id));
}

/** A filter of an instance whose pins are gone is nobody's, and may be replaced. */
function refuseOthersPlace(hook: Hook, at: Attachment): void {
  if (attachedProgramId(hook) === undefined || isOf(hook, at.instance, at.role)) return;
  for (const instance of listInstances())
    for (const role of HOLDERS)
      if (isOf(hook, instance, role))
        throw new BpfError({
          code: 'BPF_BUSY',
          operation: `attach the ${at.role} of instance ${at.instance} to ${at.direction} of`,
          subject: `${at.interface}, where the ${role} of instance ${instance} is`,
        });
}

/** Only when we made it and nothing else is on it. */
function removeClsact(instance: string, role: Holder, target: Interface): boolean {
  const mark = clsactMark(target);
  if (!listMarks(instance, role).includes(mark) || hasFilters(target)) return false;
  destroyClsact(target);
  clearMark(instance, role, mark);
  return true;
}

/** True also when tc cannot tell: then the qdisc stays, which harms nobody. */
function hasFilters({ name }: Interface): boolean {
  return DIRECTIONS.some((direction) => {
    const tc = spawnSync('tc', ['filter', 'show', 'dev', name, direction], { encoding: 'utf8' });
    return tc.status !== 0 || tc.stdout.trim() !== '';
  });
}

/** Every interface of this process' network namespace, also those that are down. */
function interfaces(): Interface[] {
  return readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .flatMap((line) => (line.includes(':') ? [line.slice(0, line.lastIndexOf(':')).trim()] : []))
    .map((name) => interfaceNamed(name));
}

function filterMarks(instance: string, role: Holder, hook: Hook): string[] {
  return listMarks(instance, role).filter((mark) => mark.startsWith(filterMark(hook, '')));
}

function clearFilterMarks(instance: string, role: Holder, hook: Hook, but?: number): void {
  for (const mark of filterMarks(instance, role, hook))
    if (but === undefined || mark !== filterMark(hook, but)) clearMark(instance, role, mark);
}

function filterMark({ interface: target, direction }: Hook, programId: number | ''): string {
  return `filter-${namespaceId(OWN_NAMESPACE)}-${target.index}-${direction}-${programId}`;
}

function clsactMark(target: Interface): string {
  return `clsact-${namespaceId(OWN_NAMESPACE)}-${target.index}`;
}

/** The living network namespace, not ours, in which a filter of this role is marked. */
function attachedElsewhere(instance: string, role: Holder): string | undefined {
  const marked = listMarks(instance, role).flatMap(
    (mark) => /^filter-(\d+)-/.exec(mark)?.[1] ?? [],
  );
  if (marked.length === 0) return undefined;
  const alive = livingNamespaces();
  alive.delete(namespaceId(OWN_NAMESPACE));
  return marked.map((id) => alive.get(id)).find((name) => name !== undefined);
}
