/** A lab that is up, as cases and tests see it: roles instead of namespace names. */

import type { ChildProcess } from 'node:child_process';
import { inServersCgroup } from './cgroups.ts';
import { run, spawn } from './namespaces.ts';
import type { LabOptions } from './options.ts';
import type { Ran, RunOptions, StartOptions } from './process.ts';
import { LabError } from './process.ts';
import type { Role } from './topology.ts';
import { ROLES, isServer, namespaceName } from './topology.ts';
import { currentOptions } from './up.ts';

export type Lab = {
  options: LabOptions;
  namespace(role: Role): string;
  run(role: Role, argv: readonly string[], options?: RunOptions): Promise<Ran>;
  spawn(role: Role, argv: readonly string[], options?: StartOptions): ChildProcess;
};

/** The lab of an instance; throws when it is not up. */
export function openLab(instance: string): Lab {
  const options = currentOptions(instance);
  if (options === undefined) {
    const named = instance === 'lab' ? '' : ` --instance ${instance}`;
    throw new LabError('LAB_NOT_UP', `lab '${instance}' is not up; run: fullnat lab up${named}`);
  }
  const namespace = (role: Role) => namespaceName(instance, role);
  const placed = (role: Role, argv: readonly string[]) =>
    isServer(role) ? inServersCgroup(instance, argv) : argv;
  return {
    options,
    namespace,
    run: (role, argv, runOptions) => run(namespace(role), placed(role, argv), runOptions),
    spawn: (role, argv, startOptions) => spawn(namespace(role), placed(role, argv), startOptions),
  };
}

/** The role that a person means by `client`, `fn-client` or `NAME-client`. */
export function roleNamed(instance: string, name: string): Role {
  const role = ROLES.find((each) => name === each || name === namespaceName(instance, each));
  if (role === undefined) {
    throw new RangeError(`no namespace '${name}' in lab '${instance}'; one of ${ROLES.join(', ')}`);
  }
  return role;
}
