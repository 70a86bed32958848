/** A small JSON file that is replaced whole: after a crash it is the old one or the new one. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';

/** Root's alone: there are tokens among them. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o750;

/** What is on disk cannot be read, or not be written: says which file, and what to do. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** Undefined when there is no such file. */
export function readStateFile<S extends z.ZodType>(
  path: string,
  schema: S,
): z.output<S> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StateError(`${path} cannot be read: ${(error as Error).message}`);
  }
  const read = schema.safeParse(parsed(text));
  if (read.success) return read.data;
  throw new StateError(
    `${path} is not what fullnat wrote there; put it aside: mv ${path} ${path}.broken`,
  );
}

export function writeStateFile(path: string, value: unknown): void {
  writeTextFile(path, `${JSON.stringify(value)}\n`);
}

export function writeTextFile(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
    const fresh = `${path}.new`;
    const file = openSync(fresh, 'w', FILE_MODE);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
  } catch (error) {
    throw new StateError(`${path} cannot be written: ${(error as Error).message}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
