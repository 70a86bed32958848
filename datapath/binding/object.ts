/** Loads a data-path object for an instance, taking over the maps that an earlier daemon left pinned. */
import { closeSync } from 'node:fs';
import { CONTRACT_VERSION } from './contract.ts';
import { BpfError } from './errors.ts';
import { lookupBatch } from './kernel-map.ts';
import {
  closeObject,
  declaredMaps,
  loadedMaps,
  loadedPrograms,
  loadInKernel,
  openObject,
  openPinnedMap,
  setMaxEntries,
  setPinPath,
  type DeclaredMap,
  type MapRef,
  type ProgramRef,
} from './kernel-object.ts';
import type { Pointer } from './libbpf.ts';
import { listPins, pinPath, preparePins, type Holder } from './pins.ts';

export type Log = { info(data: object, message: string): void };
/** Map name to entries; maps not named keep what the object says. */
export type Capacities = Readonly<Record<string, number>>;
export type LoadOptions = {
  path: string;
  instance: string;
  role: Holder;
  capacities: Capacities;
  log: Log;
};

/** Finds maps by name: in a loaded object, or among an instance's pins. */
export interface MapSource {
  map(name: string): MapRef;
  close(): void;
}
export interface LoadedObject extends MapSource {
  readonly maps: readonly MapRef[];
  readonly programs: readonly ProgramRef[];
  program(name: string): ProgramRef;
  /** Names of maps that were pinned by an earlier daemon and go on with what they hold. */
  readonly adopted: readonly string[];
}

/** Loads and pins; maps already pinned are adopted with their contents, or refused when they do not fit. */
export async function loadObject(options: LoadOptions): Promise<LoadedObject> {
  const { path, instance, role, log } = options;
  const object = openObject(path);
  try {
    const maps = withCapacities(object, options);
    preparePins(instance, role);
    await refuseOtherVersions(instance, role);
    const adopted: string[] = [];
    for (const map of maps.filter(({ internal }) => !internal)) {
      if (await fitsPinned(map, instance, role)) adopted.push(map.name);
      setPinPath(map, pinPath(instance, role, map.name));
    }
    await loadInKernel(object, path);
    const loaded = view(object, adopted);
    log.info(
      { path, instance, role, programs: loaded.programs.map(({ name }) => name), adopted },
      adopted.length > 0 ? 'data path loaded, pinned maps adopted' : 'data path loaded',
    );
    return loaded;
  } catch (error) {
    closeObject(object);
    throw error;
  }
}

/** Loads with maps of its own that nobody else sees and that end with `close`: for tests and trials. */
export async function loadPrivateObject(
  options: Pick<LoadOptions, 'path' | 'capacities'>,
): Promise<LoadedObject> {
  const object = openObject(options.path);
  try {
    withCapacities(object, options);
    await loadInKernel(object, options.path);
    return view(object, []);
  } catch (error) {
    closeObject(object);
    throw error;
  }
}

/** The pinned maps of an instance, without loading anything: for tools beside the daemon. */
export function openInstance(instance: string, role: Holder): MapSource {
  const opened = new Map<string, MapRef>();
  return {
    map: (name) => {
      const path = pinPath(instance, role, name);
      const map = opened.get(name) ?? openPinnedMap(path, name);
      if (map === undefined) throw notFound('open pinned map', path);
      opened.set(name, map);
      return map;
    },
    close: () => {
      for (const { fd } of opened.values()) closeSync(fd);
      opened.clear();
    },
  };
}

/** Throws BPF_CAPACITY_CHANGED where a start with these capacities would be refused what is loaded now. */
export async function refuseOtherCapacities(
  { maps }: Pick<LoadedObject, 'maps'>,
  { instance, role, capacities }: Pick<LoadOptions, 'instance' | 'role' | 'capacities'>,
): Promise<void> {
  for (const { name, info } of maps) {
    const wanted = capacities[name];
    if (wanted === undefined || wanted === info.maxEntries) continue;
    const sessions = await countSessions(instance, role);
    const common = { instance, sessions, map: name, pinned: info.maxEntries, wanted };
    throw new BpfError({ code: 'BPF_CAPACITY_CHANGED', ...common });
  }
}

/** Sessions in the pinned tables of an instance: two entries each. */
export async function countSessions(instance: string, role: Holder): Promise<number> {
  const pin = listPins(instance, role).find(({ map }) => map === 'sessions');
  const map = pin && openPinnedMap(pin.path, 'sessions');
  if (map === undefined) return 0;
  try {
    let entries = 0;
    for (let next: Buffer | undefined, more = true; more; more = next !== undefined) {
      const batch = await lookupBatch(map, next, 4096);
      entries += batch.count;
      next = batch.next;
    }
    return Math.ceil(entries / 2);
  } finally {
    closeSync(map.fd);
  }
}

function withCapacities(
  object: Pointer,
  { path, capacities }: Pick<LoadOptions, 'path' | 'capacities'>,
): DeclaredMap[] {
  const maps = declaredMaps(object);
  for (const [name, entries] of Object.entries(capacities)) {
    const map = maps.find((one) => one.name === name);
    if (map === undefined)
      throw new RangeError(
        `${path} has no map ${name}; it has ${maps.map((one) => one.name).join(', ')}`,
      );
    setMaxEntries(map, entries);
  }
  return maps;
}

async function refuseOtherVersions(instance: string, role: Holder): Promise<void> {
  const other = listPins(instance, role).find(({ version }) => version !== CONTRACT_VERSION);
  if (other === undefined) return;
  throw new BpfError({
    code: 'BPF_LAYOUT_CHANGED',
    instance,
    sessions: await countSessions(instance, role),
    map: other.map,
    detail: `pinned by version ${other.version}, this is version ${CONTRACT_VERSION}`,
  });
}

/** False when nothing is pinned; throws when what is pinned cannot be used. */
async function fitsPinned(wanted: DeclaredMap, instance: string, role: Holder): Promise<boolean> {
  const pinned = openPinnedMap(pinPath(instance, role, wanted.name), wanted.name);
  if (pinned === undefined) return false;
  closeSync(pinned.fd);
  const [is, should] = [pinned.info, wanted.info];
  const common = { instance, map: wanted.name };
  const changed = (['type', 'keyBytes', 'valueBytes', 'flags'] as const).filter(
    (part) => is[part] !== should[part],
  );
  if (changed.length > 0)
    throw new BpfError({
      ...common,
      code: 'BPF_LAYOUT_CHANGED',
      sessions: await countSessions(instance, role),
      detail: changed.map((part) => `${part} is ${is[part]}, wanted ${should[part]}`).join(', '),
    });
  if (is.maxEntries !== should.maxEntries)
    throw new BpfError({
      ...common,
      code: 'BPF_CAPACITY_CHANGED',
      sessions: await countSessions(instance, role),
      pinned: is.maxEntries,
      wanted: should.maxEntries,
    });
  return true;
}

function view(object: Pointer, adopted: readonly string[]): LoadedObject {
  const [maps, programs] = [loadedMaps(object), loadedPrograms(object)];
  let open = true;
  return {
    maps,
    programs,
    adopted,
    map: (name) => named(maps, 'use map', name),
    program: (name) => named(programs, 'use program', name),
    close: () => {
      if (open) closeObject(object);
      open = false;
    },
  };
}

function named<T extends { name: string }>(all: readonly T[], operation: string, name: string): T {
  const one = all.find((candidate) => candidate.name === name);
  if (one === undefined) throw notFound(operation, name);
  return one;
}

function notFound(operation: string, subject: string): BpfError {
  return new BpfError({ code: 'BPF_NOT_FOUND', operation, subject });
}
