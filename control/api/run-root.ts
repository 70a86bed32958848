/** Where the sockets of daemons are: one place for the machine's own, one for each user who runs a daemon without rights. */
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export type Surroundings = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
};

/** Somebody else could answer in our name; the message says what to do. */
export class RunRootError extends Error {
  override readonly name = 'RunRootError';
}

export const RUN_ROOT = '/run/fullnat';
const PRIVATE = 0o700;
const OTHERS = 0o077;

export function surroundings(): Surroundings {
  return { environment: process.env, uid: process.getuid?.() ?? 0 };
}

/**
 * Where a daemon of this user puts its sockets: root's in /run; a service's where systemd made a
 * directory for it; a user's in the directory of the session, else below TMPDIR.
 */
export function runRoot({ environment, uid }: Surroundings): string {
  const { RUNTIME_DIRECTORY: made, XDG_RUNTIME_DIR: session, TMPDIR: temporary } = environment;
  if (isGiven(made)) return made.split(':')[0] ?? made;
  if (uid === 0) return RUN_ROOT;
  if (isGiven(session)) return join(session, 'fullnat');
  return join(isGiven(temporary) ? temporary : '/tmp', `fullnat-${uid}`);
}

/** Where somebody who asks looks: among their own daemons first, then among the machine's. */
export function runRoots(who: Surroundings): readonly string[] {
  return [...new Set([runRoot(who), RUN_ROOT])];
}

/** In a directory that everybody may write to, the name could be somebody else's. */
export function makeRunRoot(who: Surroundings): string {
  const root = runRoot(who);
  if (root === RUN_ROOT || who.uid === 0) return root;
  mkdirSync(root, { recursive: true, mode: PRIVATE });
  const { uid, mode } = lstatSync(root);
  const isOurs = lstatSync(root).isDirectory() && uid === who.uid;
  const { RUNTIME_DIRECTORY: made } = who.environment;
  if (!isOurs || (!isGiven(made) && (mode & OTHERS) !== 0))
    throw new RunRootError(
      `${root} is not a directory of this user's alone, so somebody else could answer in the daemon's name; ` +
        `remove it, or set XDG_RUNTIME_DIR`,
    );
  return root;
}

function isGiven(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
