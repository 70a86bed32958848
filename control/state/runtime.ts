/**
 * What people changed while the daemon runs, beside the file: weights and drains of backends. Kept
 * over restarts, until taken back or until the file no longer has the backend.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile, writeStateFile } from './state-file.ts';

/** As in a configuration. */
export const weightSchema = z.int().min(0).max(65_535);

export const drainSchema = z.strictObject({
  /** ISO 8601. */
  since: z.string(),
  /** When what is left of its sessions is dealt with; null: never. */
  until: z.string().nullable(),
  /** What then becomes of them. */
  afterwards: z.enum(['keep', 'reset']),
});
/** No new connections; those that are there go on. */
export type Drain = z.infer<typeof drainSchema>;

export const backendChangeSchema = z.strictObject({
  pool: z.string(),
  /** `a.b.c.d:port`. */
  backend: z.string(),
  /** Instead of the file's. */
  weight: weightSchema.optional(),
  drain: drainSchema.optional(),
  /** Who changed it last, and when. */
  by: z.string(),
  at: z.string(),
});
export type BackendChange = z.infer<typeof backendChangeSchema>;

const runtimeSchema = z.strictObject({
  version: z.literal(1),
  backends: z.array(backendChangeSchema),
  /** The whole balancer takes no new connections. */
  drainAll: drainSchema.optional(),
});
type Runtime = z.infer<typeof runtimeSchema>;

/** `null` takes back; what is absent stays. */
export type Wish = { readonly weight?: number | null; readonly drain?: Drain | null };
export type BackendName = { readonly pool: string; readonly backend: string };

/** The store as those see it who act upon it. */
export interface RuntimeChanges {
  of(pool: string, backend: string): BackendChange | undefined;
  readonly drainAll: Drain | undefined;
  /** Of any backend, or of all. */
  readonly hasDrains: boolean;
}

export type RuntimeStoreParts = {
  /** Of the daemon; absent: nothing outlives it (tests). */
  readonly directory?: string;
  readonly nowMs: () => number;
};

export class RuntimeStore implements RuntimeChanges {
  readonly #parts: RuntimeStoreParts;
  readonly #backends = new Map<string, BackendChange>();
  #drainAll: Drain | undefined;
  readonly #listeners = new Set<(changed: readonly BackendName[]) => void>();

  /** With what an earlier daemon left. Throws StateError when that cannot be read. */
  constructor(parts: RuntimeStoreParts) {
    this.#parts = parts;
    const path = this.#path;
    const kept = path === undefined ? undefined : readStateFile(path, runtimeSchema);
    for (const change of kept?.backends ?? []) this.#backends.set(keyOf(change), change);
    this.#drainAll = kept?.drainAll;
  }

  all(): readonly BackendChange[] {
    return [...this.#backends.values()];
  }

  of(pool: string, backend: string): BackendChange | undefined {
    return this.#backends.get(keyOf({ pool, backend }));
  }

  get hasDrains(): boolean {
    return this.#drainAll !== undefined || this.all().some(({ drain }) => drain !== undefined);
  }

  get drainAll(): Drain | undefined {
    return this.#drainAll;
  }

  /** Written to disk first, then told: who is told may rely on it. Throws StateError. */
  set(names: readonly BackendName[], wish: Wish, by: string): void {
    const before = new Map(this.#backends);
    for (const name of names) this.#change(name, wish, by);
    this.#keepOr(() => this.#restore(before));
    this.#tell(names);
  }

  /** Every backend is named to who listens: an empty list stands for all. */
  setDrainAll(drain: Drain | undefined): void {
    const before = this.#drainAll;
    this.#drainAll = drain;
    this.#keepOr(() => (this.#drainAll = before));
    this.#tell([]);
  }

  /** All is as the file says again. */
  takeBackAll(): void {
    const [before, drainAll] = [new Map(this.#backends), this.#drainAll];
    this.#backends.clear();
    this.#drainAll = undefined;
    this.#keepOr(() => {
      this.#restore(before);
      this.#drainAll = drainAll;
    });
    this.#tell([]);
  }

  /** What the configuration no longer has is forgotten; returns what that was. */
  forgetOthers(has: (pool: string, backend: string) => boolean): readonly BackendChange[] {
    const gone = this.all().filter(({ pool, backend }) => !has(pool, backend));
    if (gone.length === 0) return [];
    for (const change of gone) this.#backends.delete(keyOf(change));
    this.#write();
    return gone;
  }

  /** Calls back after each change with the backends it is about; an empty list: all of them. */
  onChange(listener: (changed: readonly BackendName[]) => void): void {
    this.#listeners.add(listener);
  }

  get #path(): string | undefined {
    const { directory } = this.#parts;
    return directory === undefined ? undefined : join(directory, 'runtime.json');
  }

  #change({ pool, backend }: BackendName, wish: Wish, by: string): void {
    const key = keyOf({ pool, backend });
    const { weight, drain } = { ...this.#backends.get(key), ...wish };
    if (weight === undefined || weight === null)
      if (drain === undefined || drain === null) return void this.#backends.delete(key);
    this.#backends.set(key, {
      ...{ pool, backend, by, at: new Date(this.#parts.nowMs()).toISOString() },
      ...(weight === undefined || weight === null ? {} : { weight }),
      ...(drain === undefined || drain === null ? {} : { drain }),
    });
  }

  #keepOr(takeBack: () => void): void {
    try {
      this.#write();
    } catch (error) {
      takeBack();
      throw error;
    }
  }

  #write(): void {
    const path = this.#path;
    if (path === undefined) return;
    const kept: Runtime = {
      ...{ version: 1, backends: [...this.#backends.values()] },
      ...(this.#drainAll === undefined ? {} : { drainAll: this.#drainAll }),
    };
    writeStateFile(path, kept);
  }

  #restore(before: ReadonlyMap<string, BackendChange>): void {
    this.#backends.clear();
    for (const [key, change] of before) this.#backends.set(key, change);
  }

  #tell(names: readonly BackendName[]): void {
    for (const listener of this.#listeners) listener(names);
  }
}

function keyOf({ pool, backend }: BackendName): string {
  return `${pool} ${backend}`;
}
