/** Where a daemon keeps what must outlive it: revisions, runtime changes, tokens, the audit log. */
import { join } from 'node:path';
import type { Role } from '../../datapath/binding/pins.ts';

const STATE_ROOT = '/var/lib/fullnat';

/** systemd names the directory it has made (`StateDirectory=fullnat`); several are joined by colons. */
export function stateRoot(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['STATE_DIRECTORY']?.split(':')[0] || STATE_ROOT;
}

/** @example stateDirectory('/var/lib/fullnat', 'lab', 'balancer') // '/var/lib/fullnat/lab/balancer' */
export function stateDirectory(root: string, instance: string, role: Role): string {
  return join(root, instance, role);
}
