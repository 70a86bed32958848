/** Builds a lab, unless it is there already, and removes it again. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createCgroup, removeCgroup } from './cgroups.ts';
import { DAEMONS, daemonStatus, startDaemons } from './daemons.ts';
import { createNamespaces, deleteNamespaces, listNamespaces } from './namespaces.ts';
import type { LabOptions } from './options.ts';
import { differences, labOptions } from './options.ts';
import { markerFile, optionsFile, pinFolder, runFolder } from './paths.ts';
import { LabError } from './process.ts';
import { checkMachine } from './requirements.ts';
import { serverPid, startServer } from './servers.ts';
import type { Topology } from './topology.ts';
import { checkInstance, serversOf, topology } from './topology.ts';

export type UpResult =
  { kind: 'built' } | { kind: 'unchanged' } | { kind: 'rebuilt'; because: string };

export type DownResult = { namespaces: string[]; files: string[] };

/** Builds the lab; an equal one that is whole is left as it is. */
export async function up(chosen: Partial<LabOptions> = {}): Promise<UpResult> {
  const options = labOptions(chosen);
  checkMachine();
  const because = await reasonToRebuild(options);
  if (because === 'nothing') return { kind: 'unchanged' };
  const removed = await down(options.instance);
  await build(options);
  const wasThere = removed.namespaces.length + removed.files.length > 0;
  return wasThere ? { kind: 'rebuilt', because } : { kind: 'built' };
}

/** Removes everything of an instance, also what is left of a crash; returns what there was. */
export async function down(instance: string): Promise<DownResult> {
  checkInstance(instance);
  if (!isLab(instance)) return { namespaces: [], files: [] };
  const namespaces = await deleteNamespaces(instance);
  const cgroup = await removeCgroup(instance);
  // The folder with the marker last: if this is cut off, the next `down` goes on.
  const files = [pinFolder(instance), runFolder(instance)].filter((path) => existsSync(path));
  for (const path of files) rmSync(path, { recursive: true });
  return { namespaces, files: [...(cgroup === undefined ? [] : [cgroup]), ...files] };
}

/** The options of the lab that is up, undefined when none was completely built. */
export function currentOptions(instance: string): LabOptions | undefined {
  const file = optionsFile(instance);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LabOptions) : undefined;
}

export function topologyOf(options: LabOptions): Topology {
  const { instance, servers, mtuBytes } = options;
  return topology({ instance, servers, mtuBytes });
}

/** A balancer that is no lab may use the same name: its files and pins are never touched. */
function isLab(instance: string): boolean {
  if (existsSync(markerFile(instance)) || listNamespaces(instance).length > 0) return true;
  const taken = [runFolder(instance), pinFolder(instance)].filter((path) => existsSync(path));
  if (taken.length === 0) return false;
  throw new LabError(
    'LAB_NAME_TAKEN',
    `${taken.join(' and ')} belong to an instance that is no lab; choose another --instance`,
  );
}

async function build(options: LabOptions): Promise<void> {
  const { instance, closeFirst } = options;
  try {
    mkdirSync(runFolder(instance), { recursive: true });
    writeFileSync(markerFile(instance), '');
    createCgroup(instance);
    await createNamespaces(topologyOf(options));
    await Promise.all(
      serversOf(options.servers).map((role) => startServer(instance, role, { closeFirst })),
    );
    if (options.daemons) await startDaemons(options);
    writeFileSync(optionsFile(instance), `${JSON.stringify(options, undefined, 2)}\n`);
  } catch (error) {
    await down(instance);
    throw error;
  }
}

/** Why the lab cannot stay as it is, 'nothing' when it can. */
async function reasonToRebuild(options: LabOptions): Promise<string> {
  const { instance } = options;
  const current = currentOptions(instance);
  if (current === undefined) return 'it was not completely built';
  const changed = differences(current, options);
  if (changed.length > 0) return `other options: ${changed.join(', ')}`;
  const there = listNamespaces(instance);
  const missing = topologyOf(options).namespaces.filter(({ name }) => !there.includes(name));
  if (missing.length > 0) return `missing: ${missing.map(({ name }) => name).join(', ')}`;
  const daemons = options.daemons
    ? await Promise.all(DAEMONS.map((name) => daemonStatus(instance, name)))
    : [];
  const dead = [
    ...serversOf(options.servers).filter((role) => serverPid(instance, role) === undefined),
    ...daemons.filter(({ answers }) => !answers).map(({ name }) => name),
  ];
  return dead.length > 0 ? `not running: ${dead.join(', ')}` : 'nothing';
}
