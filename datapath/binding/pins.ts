/** Where an instance's maps are pinned, so that they outlive the daemons: /sys/fs/bpf/fullnat/<instance>/<role>. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, statSync, statfsSync, unlinkSync } from 'node:fs';
import { CONTRACT_VERSION } from './contract.ts';
import { callFailed } from './errors.ts';

/** A daemon. */
export type Role = 'balancer' | 'agent';
export const ROLES: readonly Role[] = ['balancer', 'agent'];
/** Whose pins: `agent` is the agent's packet mode, `socket` its socket mode; an instance may have both. */
export type Holder = Role | 'socket';
export const HOLDERS: readonly Holder[] = [...ROLES, 'socket'];
export type Pin = { map: string; version: number; path: string };

export const PIN_ROOT = '/sys/fs/bpf/fullnat';
const BPFFS = '/sys/fs/bpf';
const BPFFS_MAGIC = 0xcafe4a11;
const INSTANCE = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
/** Not a dot before the version: bpffs refuses names with dots. */
const PIN = /^(.+)_v(\d+)$/;

export function roleDirectory(instance: string, role: Holder): string {
  if (!INSTANCE.test(instance))
    throw new RangeError(
      `an instance name has 1 to 32 letters, digits, - or _ and starts with a letter or digit, got '${instance}'`,
    );
  return `${PIN_ROOT}/${instance}/${role}`;
}

export function pinPath(instance: string, role: Holder, map: string): string {
  return `${roleDirectory(instance, role)}/${map}_v${CONTRACT_VERSION}`;
}

/** Every pinned map of an instance, of whatever version. */
export function listPins(instance: string, role: Holder): Pin[] {
  const directory = roleDirectory(instance, role);
  return listDirectory(directory).flatMap((name) => {
    const [, map, version] = PIN.exec(name) ?? [];
    if (map === undefined || version === undefined) return [];
    return [{ map, version: Number(version), path: `${directory}/${name}` }];
  });
}

/** Names of the instances that have pins. */
export function listInstances(): string[] {
  return listDirectory(PIN_ROOT);
}

/** Mounts bpffs when it is missing and makes the instance's directory. */
export function preparePins(instance: string, role: Holder): void {
  const directory = roleDirectory(instance, role);
  if (!isBpffs()) {
    const mount = spawnSync('mount', ['-t', 'bpf', 'bpf', BPFFS], { encoding: 'utf8' });
    if (mount.status !== 0)
      throw callFailed('mount the BPF file system on', BPFFS, 1, [mount.stderr ?? '']);
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/** Removes everything of an instance's role; returns how many maps were pinned. */
export function removePins(instance: string, role: Holder): number {
  const pins = listPins(instance, role);
  const directory = roleDirectory(instance, role);
  for (const name of listDirectory(directory)) {
    const path = `${directory}/${name}`;
    if (statSync(path).isDirectory()) rmdirSync(path);
    else unlinkSync(path);
  }
  removeIfEmpty(directory);
  removeIfEmpty(`${PIN_ROOT}/${instance}`);
  return pins.length;
}

/** Marks are empty directories beside the pins: memory that lives as long as they do. */
export function setMark(instance: string, role: Holder, mark: string): void {
  mkdirSync(`${roleDirectory(instance, role)}/${mark}`, { recursive: true, mode: 0o700 });
}

export function clearMark(instance: string, role: Holder, mark: string): void {
  removeIfEmpty(`${roleDirectory(instance, role)}/${mark}`);
}

export function listMarks(instance: string, role: Holder): string[] {
  return listDirectory(roleDirectory(instance, role)).filter((name) => !PIN.test(name));
}

export function isBpffs(): boolean {
  try {
    return statfsSync(BPFFS).type === BPFFS_MAGIC;
  } catch {
    return false;
  }
}

function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY') throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
