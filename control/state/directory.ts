/** Where a daemon keeps what must outlive it: revisions, runtime changes, tokens, the audit log. */
import { join } from 'node:path';
import type { Role } from '../../datapath/binding/pins.ts';

export type DaemonRole = Role;

const STATE_ROOT = '/var/lib/fullnat';

/**
 * systemd names the directory it has made (`StateDirectory=fullnat`); several are joined by colons.
 * Who is not root has a place below their home.
 */
export function stateRoot(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): string {
  const { STATE_DIRECTORY: given, XDG_STATE_HOME: home, HOME: user } = environment;
  if (given !== undefined && given !== '') return given.split(':')[0] ?? given;
  if (uid === 0) return STATE_ROOT;
  return join(home ?? join(user ?? '/', '.local/state'), 'fullnat');
}

/** @example stateDirectory('/var/lib/fullnat', 'lab', 'balancer') // '/var/lib/fullnat/lab/balancer' */
export function stateDirectory(root: string, instance: string, role: DaemonRole): string {
  return join(root, instance, role);
}
