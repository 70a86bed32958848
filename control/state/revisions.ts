/** The configurations that were in force, with who put them there and when: a bounded number, on disk. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile, StateError, writeStateFile, writeTextFile } from './state-file.ts';

const KEPT = 50;
/** A difference of everything would be as long as the configuration. */
const CHANGES_KEPT = 200;

export const revisionSchema = z.strictObject({
  revision: z.int().min(1),
  /** ISO 8601. */
  at: z.string(),
  who: z.string(),
  how: z.enum(['start', 'file', 'apply', 'rollback']),
  /** Which file it was read from; of a rollback: nothing. */
  file: z.string().nullable(),
  /** Of a rollback: whose configuration it has. */
  of: z.int().nullable(),
  /** One line for each change; the first so many. */
  changes: z.array(z.string()),
  changesTotal: z.int(),
});
export type Revision = z.infer<typeof revisionSchema>;

const currentSchema = z.strictObject({
  revision: z.int().min(1),
  /** Of the daemon's file, when it was last taken up. */
  fileHash: z.string(),
});

export type Kept = { readonly revision: Revision; readonly text: string };
export type NewRevision = Omit<Revision, 'revision' | 'changesTotal'>;

export class Revisions {
  readonly #directory: string;
  #all: Revision[];
  #current: z.infer<typeof currentSchema> | undefined;

  /** `directory` is the daemon's own; throws StateError when what is there cannot be read. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#current = readStateFile(join(directory, 'current.json'), currentSchema);
    this.#all = this.#numbers().flatMap((number) => {
      const read = readStateFile(this.#path(number, 'json'), revisionSchema);
      return read === undefined ? [] : [read];
    });
  }

  /** Oldest first. */
  all(): readonly Revision[] {
    return this.#all;
  }

  get current(): number | undefined {
    return this.#current?.revision;
  }

  /** The next one's number. */
  get next(): number {
    return Math.max(this.current ?? 0, ...this.#all.map(({ revision }) => revision)) + 1;
  }

  /** Undefined when it is not kept, or no longer. */
  textOf(revision: number): string | undefined {
    try {
      return readFileSync(this.#path(revision, 'yaml'), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new StateError(`revision ${revision} cannot be read: ${(error as Error).message}`);
    }
  }

  /** What somebody put in force after this file was taken up, if that was so and the file is still the same. */
  newerThan(fileText: string): Kept | undefined {
    const current = this.#current;
    if (current === undefined || current.fileHash !== hashOf(fileText)) return undefined;
    const revision = this.#all.find((one) => one.revision === current.revision);
    const text = this.textOf(current.revision);
    if (revision === undefined || text === undefined || text === fileText) return undefined;
    return { revision, text };
  }

  /** Writes it down before it is in force: what cannot be kept is not applied. */
  prepare(fresh: NewRevision, text: string): Revision {
    const revision: Revision = {
      ...{ revision: this.next, ...fresh },
      ...{ changes: fresh.changes.slice(0, CHANGES_KEPT), changesTotal: fresh.changes.length },
    };
    writeTextFile(this.#path(revision.revision, 'yaml'), text);
    writeStateFile(this.#path(revision.revision, 'json'), revision);
    return revision;
  }

  /** It is in force from now on. */
  commit(revision: Revision, fileText: string | undefined): void {
    this.#all = [...this.#all.filter((one) => one.revision !== revision.revision), revision];
    this.#setCurrent(revision.revision, fileText);
    for (const { revision: old } of this.#all.slice(0, -KEPT)) this.discard(old);
    this.#all = this.#all.slice(-KEPT);
  }

  /** The file was taken up and says what is in force already. */
  tookUp(fileText: string): void {
    if (this.current !== undefined && this.#current?.fileHash !== hashOf(fileText))
      this.#setCurrent(this.current, fileText);
  }

  discard(revision: number): void {
    for (const kind of ['yaml', 'json'] as const)
      rmSync(this.#path(revision, kind), { force: true });
  }

  #setCurrent(revision: number, fileText: string | undefined): void {
    const fileHash = fileText === undefined ? (this.#current?.fileHash ?? '') : hashOf(fileText);
    this.#current = { revision, fileHash };
    writeStateFile(join(this.#directory, 'current.json'), this.#current);
  }

  #path(revision: number, kind: 'yaml' | 'json'): string {
    return join(this.#directory, 'revisions', `${revision}.${kind}`);
  }

  #numbers(): number[] {
    let names: string[];
    try {
      names = readdirSync(join(this.#directory, 'revisions'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw new StateError(`${this.#directory} cannot be read: ${(error as Error).message}`);
    }
    return names
      .flatMap((name) => /^(\d{1,9})\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b);
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
