/** Attaches programs to interfaces of this process' network namespace with tc (clsact, direct action). */
import type { ProgramRef } from './kernel-object.ts';
import { callFailed } from './errors.ts';
import { check, ERRNO, errno, lib, type InterfaceIndex } from './libbpf.ts';

export type Direction = 'ingress' | 'egress';
export type Interface = { name: string; index: InterfaceIndex };
export type Hook = { interface: Interface; direction: Direction };

const POINT = { ingress: 1, egress: 2 } as const;
const CLSACT = POINT.ingress | POINT.egress;
const HANDLE = 1;
/** After the small numbers that people and other tools use, so that their filters see packets first. */
const PRIORITY = 49152;
const REPLACE = 1;

export function interfaceNamed(name: string): Interface {
  const index: number = lib().interfaceIndex(name);
  if (index === 0) throw callFailed('use network interface', name, errno());
  return { name, index: index as InterfaceIndex };
}

/** Makes the clsact qdisc that carries filters of both directions; false when it was there. */
export function createClsact(target: Interface): boolean {
  const result: number = lib().tcHookCreate(hook(target, CLSACT));
  if (result === -ERRNO.EEXIST) return false;
  check(result, 'make the clsact qdisc of', target.name);
  return true;
}

/** Removes the clsact qdisc with every filter on it, ours and others'. */
export function destroyClsact(target: Interface): void {
  check(lib().tcHookDestroy(hook(target, CLSACT)), 'remove the clsact qdisc of', target.name);
}

/** Attaches, or replaces in one step what was attached here before: no packet goes between. */
export function attachFilter({ interface: target, direction }: Hook, program: ProgramRef): void {
  const options = { ...filter(), prog_fd: program.fd, flags: REPLACE };
  const result: number = lib().tcAttach(hook(target, POINT[direction]), options);
  check(result, `attach ${program.name} to ${direction} of`, target.name);
}

/** The number of the program that is attached at our place; undefined when nothing is. */
export function attachedProgramId({ interface: target, direction }: Hook): number | undefined {
  const options = filter();
  const result: number = lib().tcQuery(hook(target, POINT[direction]), options);
  if (result === -ERRNO.ENOENT || result === -ERRNO.EINVAL)
    return undefined; /* EINVAL: no clsact */
  check(result, `look at ${direction} of`, target.name);
  return options.prog_id;
}

/** Returns whether there was a filter. */
export function detachFilter({ interface: target, direction }: Hook): boolean {
  const result: number = lib().tcDetach(hook(target, POINT[direction]), filter());
  if (result === -ERRNO.ENOENT || result === -ERRNO.EINVAL) return false;
  check(result, `detach from ${direction} of`, target.name);
  return true;
}

function hook({ index }: Interface, attachPoint: number) {
  return { sz: lib().sizes.tcHook, ifindex: index, attach_point: attachPoint, parent: 0 };
}

function filter() {
  const sz = lib().sizes.tcOptions;
  return { sz, prog_fd: 0, flags: 0, prog_id: 0, handle: HANDLE, priority: PRIORITY };
}
