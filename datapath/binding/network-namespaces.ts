/** Network namespaces of this machine: which there are, and a look from inside of one. */
import { closeSync, openSync, readdirSync, statSync } from 'node:fs';
import { callFailed } from './errors.ts';
import { errno, lib } from './libbpf.ts';

export const OWN_NAMESPACE = '/proc/self/ns/net';
const NAMED_NAMESPACES = '/run/netns';
const CLONE_NEWNET = 0x4000_0000;

/** Every namespace that a process is in or that has a name: inode number → a path to it. */
export function livingNamespaces(): Map<string, string> {
  const alive = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    noteNamespace(alive, `/proc/${pid}/ns/net`);
  for (const name of tryReadDirectory(NAMED_NAMESPACES))
    noteNamespace(alive, `${NAMED_NAMESPACES}/${name}`);
  return alive;
}

export function namespaceId(path: string): string {
  return String(statSync(path).ino);
}

/**
 * Runs `work` with this thread inside the namespace. It must be synchronous: worker threads,
 * and with them whatever waits, stay outside.
 */
export function insideNamespace<T>(path: string, work: () => T): T {
  const own = openSync(OWN_NAMESPACE, 'r');
  const other = openSync(path, 'r');
  try {
    enter(other, path);
    try {
      return work();
    } finally {
      enter(own, OWN_NAMESPACE);
    }
  } finally {
    closeSync(other);
    closeSync(own);
  }
}

function enter(fd: number, path: string): void {
  const result: number = lib().setNamespace(fd, CLONE_NEWNET);
  if (result !== 0) throw callFailed('enter network namespace', path, errno());
}

function noteNamespace(into: Map<string, string>, path: string): void {
  try {
    into.set(namespaceId(path), path);
  } catch {
    /* ended meanwhile, or not ours to see */
  }
}

function tryReadDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
