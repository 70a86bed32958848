/** Runs iterator programs: the kernel calls them for each of its objects, and what they write is read. */
import { closeSync, existsSync, readSync, unlinkSync } from 'node:fs';
import type { MapRef, ProgramRef } from './kernel-object.ts';
import { check, lib, type LinkFd } from './libbpf.ts';
import { insideNamespace, livingNamespaces } from './network-namespaces.ts';

const TRACE_ITERATOR = 28; /* of enum bpf_attach_type */
const READ_BYTES = 64 * 1024;
const MAP_FD_BYTES = 4;

type IteratorScope = {
  /** For programs that walk a map. */
  map?: MapRef;
  /** For programs that walk the objects of one network namespace: another than our own. */
  namespace?: string;
};

/** Runs the program over everything and returns what it wrote. */
export function runIterator(program: ProgramRef, { map, namespace }: IteratorScope = {}): Buffer {
  const link = createLink(program, map);
  try {
    return readIterator(link, program.name, namespace);
  } finally {
    closeSync(link);
  }
}

/** Runs it in every network namespace; those that end meanwhile are left out. */
export function runInEveryNamespace(program: ProgramRef): void {
  const link = createLink(program, undefined);
  try {
    visitNamespaces(link, program.name);
  } finally {
    closeSync(link);
  }
}

/** Pins an iterator, so that it can be run without its program's file. */
export function pinIterator(program: ProgramRef, path: string, map?: MapRef): void {
  const link = createLink(program, map);
  try {
    if (existsSync(path)) unlinkSync(path);
    check(lib().pin(link, path), 'pin', path);
  } finally {
    closeSync(link);
  }
}

/** Runs a pinned iterator in every network namespace; nothing when there is none. */
export function runPinnedInEveryNamespace(path: string): void {
  if (existsSync(path)) withPinned(path, (link) => visitNamespaces(link, path));
}

/** Runs a pinned iterator over everything and returns what it wrote. */
export function runPinned(path: string): Buffer {
  return withPinned(path, (link) => readIterator(link, path, undefined));
}

function withPinned<T>(path: string, work: (link: LinkFd) => T): T {
  const link = check(lib().getPinned(path), 'open pinned link', path) as LinkFd;
  try {
    return work(link);
  } finally {
    closeSync(link);
  }
}

function visitNamespaces(link: LinkFd, name: string): void {
  for (const namespace of livingNamespaces().values())
    try {
      readIterator(link, name, namespace);
    } catch (error) {
      if (existsSync(namespace)) throw error;
    }
}

/** The namespace is the one in which the iterator is made, not the one it is read in. */
function readIterator(link: LinkFd, name: string, namespace: string | undefined): Buffer {
  const make = () => check(lib().iteratorCreate(link), 'run iterator', name);
  const iterator = namespace === undefined ? make() : insideNamespace(namespace, make);
  try {
    return readToEnd(iterator);
  } finally {
    closeSync(iterator);
  }
}

function createLink(program: ProgramRef, map: MapRef | undefined): LinkFd {
  const result: number = lib().linkCreate(program.fd, 0, TRACE_ITERATOR, optionsFor(map));
  return check(result, 'attach iterator', program.name) as LinkFd;
}

function optionsFor(map: MapRef | undefined) {
  if (map === undefined) return null;
  const info = Buffer.alloc(MAP_FD_BYTES);
  info.writeUInt32LE(map.fd);
  const sz = lib().sizes.linkOptions;
  return { sz, flags: 0, iter_info: info, iter_info_len: info.length };
}

function readToEnd(fd: number): Buffer {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.alloc(READ_BYTES);
    const bytes = readSync(fd, part);
    if (bytes === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, bytes));
  }
}
