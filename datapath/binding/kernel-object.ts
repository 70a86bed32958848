/** BPF objects, maps and programs as the kernel and libbpf know them: open, load, describe, pin. */
import { closeSync } from 'node:fs';
import { BpfError, callFailed } from './errors.ts';
import {
  addressOf,
  check,
  errno,
  inBackground,
  lib,
  listen,
  type LinkFd,
  type MapFd,
  type Pointer,
  type ProgramFd,
} from './libbpf.ts';

export type MapInfo = {
  /** enum bpf_map_type. */
  type: number;
  keyBytes: number;
  valueBytes: number;
  maxEntries: number;
  flags: number;
};
/** A map in the kernel, and what to call it in errors. */
export type MapRef = { fd: MapFd; name: string; info: MapInfo };
/** A map of an object that is open but perhaps not loaded. */
export type DeclaredMap = { pointer: Pointer; name: string; internal: boolean; info: MapInfo };

export type DeclaredProgram = { pointer: Pointer; name: string };
export type ProgramRef = { fd: ProgramFd; name: string };
export type ProgramInfo = {
  id: number;
  name: string;
  xlatedBytes: number;
  jitedBytes: number;
  verifiedInstructions: number;
  /** Counted only while `enableStats` is on. */
  runNanoseconds: bigint;
  runCount: bigint;
  mapIds: readonly number[];
};

const MAP_INFO_BYTES = 88;
const LINK_INFO_BYTES = 48;
const PROGRAM_INFO_BYTES = 232;
const STATS_RUN_TIME = 0;
const VERIFIER_LINES_KEPT = 40;

let loading: Promise<unknown> = Promise.resolve();

export function openObject(path: string): Pointer {
  const said = listen();
  const object: Pointer | null = lib().open(path);
  if (object === null) throw callFailed('open BPF object', path, errno(), said());
  return object;
}

/** Verifies and loads on a worker thread, one object at a time so that logs do not mix. */
export function loadInKernel(object: Pointer, path: string): Promise<void> {
  const mine = loading.then(async () => {
    const said = listen();
    const result = await inBackground(lib().load, object);
    if (result < 0) throw loadFailed(path, -result, said());
  });
  loading = mine.catch(() => undefined);
  return mine;
}

export function closeObject(object: Pointer): void {
  lib().close(object);
}

export function declaredMaps(object: Pointer): DeclaredMap[] {
  const { nextMap, mapName, mapIsInternal } = lib();
  return walk((last) => nextMap(object, last)).map((pointer) => ({
    pointer,
    name: mapName(pointer),
    internal: mapIsInternal(pointer),
    info: declaredInfo(pointer),
  }));
}

export function setMaxEntries(map: DeclaredMap, maxEntries: number): void {
  check(lib().setMaxEntries(map.pointer, maxEntries), 'set the capacity of map', map.name);
  map.info = declaredInfo(map.pointer);
}

/** On load the map is taken from `path` when it is there, else created and pinned there. */
export function setPinPath(map: DeclaredMap, path: string): void {
  check(lib().setPinPath(map.pointer, path), 'set the pin of map', map.name);
}

/** The maps of a loaded object; closing the object closes them. */
export function loadedMaps(object: Pointer): MapRef[] {
  return declaredMaps(object).map(({ pointer, name, info }) => ({
    fd: check(lib().mapFd(pointer), 'use map', name) as MapFd,
    name,
    info,
  }));
}

export function loadedPrograms(object: Pointer): ProgramRef[] {
  const { programFd } = lib();
  return declaredPrograms(object).map(({ pointer, name }) => {
    return { fd: check(programFd(pointer), 'use program', name) as ProgramFd, name };
  });
}

/** The programs of an object that is open but perhaps not loaded. */
export function declaredPrograms(object: Pointer): DeclaredProgram[] {
  const { nextProgram, programName } = lib();
  return walk((last) => nextProgram(object, last)).map((pointer) => ({
    pointer,
    name: programName(pointer),
  }));
}

/** Opens a pinned map; undefined when nothing is pinned there. The caller closes it. */
export function openPinnedMap(path: string, name: string): MapRef | undefined {
  const fd: number = lib().getPinned(path);
  if (fd === -2) return undefined;
  const map = check(fd, 'open pinned map', path) as MapFd;
  return { fd: map, name, info: mapInfo(map, name) };
}

export function mapInfo(fd: MapFd, name: string): MapInfo {
  const info = readInfo(fd, Buffer.alloc(MAP_INFO_BYTES), `map ${name}`);
  return {
    type: info.readUInt32LE(0),
    keyBytes: info.readUInt32LE(8),
    valueBytes: info.readUInt32LE(12),
    maxEntries: info.readUInt32LE(16),
    flags: info.readUInt32LE(20),
  };
}

export function mapId(fd: MapFd, name: string): number {
  return readInfo(fd, Buffer.alloc(MAP_INFO_BYTES), `map ${name}`).readUInt32LE(4);
}

export function programInfo(fd: ProgramFd, name: string): ProgramInfo {
  const subject = `program ${name}`;
  const mapCount = readInfo(fd, Buffer.alloc(PROGRAM_INFO_BYTES), subject).readUInt32LE(52);
  const mapIds = Buffer.alloc(4 * Math.max(1, mapCount));
  const request = Buffer.alloc(PROGRAM_INFO_BYTES);
  request.writeUInt32LE(mapCount, 52);
  request.writeBigUInt64LE(addressOf(mapIds), 56);
  const info = readInfo(fd, request, subject);
  return {
    id: info.readUInt32LE(4),
    name,
    jitedBytes: info.readUInt32LE(16),
    xlatedBytes: info.readUInt32LE(20),
    runNanoseconds: info.readBigUInt64LE(192),
    runCount: info.readBigUInt64LE(200),
    verifiedInstructions: info.readUInt32LE(216),
    mapIds: Array.from({ length: mapCount }, (_, i) => mapIds.readUInt32LE(4 * i)),
  };
}

/** Information about the program with this id; undefined when it is gone. */
export function programInfoById(id: number): ProgramInfo | undefined {
  const fd: number = lib().programFdById(id);
  if (fd === -2) return undefined;
  check(fd, 'open program', `id ${id}`);
  try {
    return programInfo(fd as ProgramFd, `id ${id}`);
  } finally {
    closeSync(fd);
  }
}

/** The cgroup that a link attaches a program to; 0n when that cgroup has been removed. */
export function linkedCgroup(fd: LinkFd, name: string): bigint {
  return readInfo(fd, Buffer.alloc(LINK_INFO_BYTES), `link ${name}`).readBigUInt64LE(16);
}

/** The kernel times every BPF program (about 20 ns a run) until `close`. */
export function enableStats(): { close(): void } {
  const fd = check(lib().enableStats(STATS_RUN_TIME), 'enable', 'BPF run-time statistics');
  return { close: () => closeSync(fd) };
}

function walk(next: (last: Pointer | null) => Pointer | null): Pointer[] {
  const all: Pointer[] = [];
  for (let one = next(null); one !== null; one = next(one)) all.push(one);
  return all;
}

function declaredInfo(pointer: Pointer): MapInfo {
  const { mapType, mapKeySize, mapValueSize, mapMaxEntries, mapFlags } = lib();
  return {
    type: mapType(pointer),
    keyBytes: mapKeySize(pointer),
    valueBytes: mapValueSize(pointer),
    maxEntries: mapMaxEntries(pointer),
    flags: mapFlags(pointer),
  };
}

function readInfo(fd: number, info: Buffer, subject: string): Buffer {
  check(lib().info(fd, info, [info.length]), 'describe', subject);
  return info;
}

function loadFailed(path: string, error: number, log: string[]): BpfError {
  const end = log.findLastIndex((line) => line.includes('END PROG LOAD LOG'));
  if (end < 0) return callFailed('load BPF object', path, error, log);
  const rejected = log.slice(Math.max(0, end - VERIFIER_LINES_KEPT), end);
  return new BpfError({ code: 'BPF_VERIFIER_REJECTED', object: path, log: rejected });
}
