/**
 * The one way in for a configuration, whether it comes by SIGHUP, by `fullnat apply` or by a
 * rollback: read and checked whole, compared, written down, applied; or all stays as it was.
 */
import { messageOf } from '../daemon/failure.ts';
import type { Log } from '../daemon/log.ts';
import type { Revision, Revisions } from '../state/revisions.ts';
import { differenceOf, formatChange, type Change } from './difference.ts';

export interface ReloadRequests {
  /** Resolves to true when a reload is asked for, or was meanwhile; to false when the signal aborts. */
  asked(signal: AbortSignal): Promise<boolean>;
}

/** Where a configuration comes from. */
export type ConfigSource<C> = {
  readonly requests: ReloadRequests;
  /** The daemon's own. */
  readonly file: string;
  /** What is in it now. */
  readonly read: () => Promise<string>;
  /** Rejects with ConfigError when it cannot be used; `file` is how it is called in messages. */
  readonly interpret: (text: string, file: string) => Promise<C>;
};

export type Taken<C> = { readonly config: C; readonly text: string };

export type ReloadState = {
  /** When what is in force was taken up. */
  readonly configSince: Date;
  readonly configRevision: number;
  /** Why the last reload took nothing up; null when it did. */
  readonly reloadError: string | null;
};

/** What the file wants cannot be had while the daemon runs. */
export class ReloadError extends Error {
  override readonly name = 'ReloadError';
}

/** Somebody else was faster. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  readonly inForce: number;

  constructor(seen: number, inForce: number) {
    super(`revision ${inForce} is in force, not ${seen}; look at what changed, then try again`);
    this.inForce = inForce;
  }
}

export class UnknownRevision extends Error {
  override readonly name = 'UnknownRevision';
}

export type ConfiguratorParts<C> = {
  readonly source: ConfigSource<C>;
  /** Rejects when it cannot be had; changes nothing. */
  readonly check: (config: C) => void | Promise<void>;
  /** Brings everything to a configuration, from wherever an earlier attempt left it. */
  readonly apply: (config: C) => Promise<void>;
  readonly revisions: Revisions;
  readonly onRevision?: (revision: Revision) => void;
  /** After each reload that was not refused. */
  readonly onReload?: () => Promise<void>;
  readonly nowMs: () => number;
  readonly log: Log;
};

export type Origin = {
  readonly who: string;
  readonly how: Revision['how'];
  readonly file: string | null;
  /** Of a rollback. */
  readonly of?: number | null;
};

export type Options = { readonly isDryRun?: boolean; readonly ifRevision?: number | undefined };

export type Outcome = {
  /** In force afterwards. */
  readonly revision: number;
  readonly applied: boolean;
  readonly changes: readonly Change[];
};

export class Configurator<C extends { readonly instance: string }> {
  readonly #parts: ConfiguratorParts<C>;
  #current: Taken<C>;
  #state: ReloadState;
  #last: Promise<unknown> = Promise.resolve();

  /** `first` is in force already; `fileText` is what the daemon's file said. */
  constructor(parts: ConfiguratorParts<C>, first: Taken<C>, fileText: string) {
    const { revisions, nowMs, log } = parts;
    this.#parts = parts;
    this.#current = first;
    try {
      this.#begin(first, fileText);
    } catch (error) {
      log.error(
        { error: messageOf(error) },
        'revisions cannot be kept: no configuration is taken up until they can',
      );
    }
    const inForce = revisions.all().find(({ revision }) => revision === revisions.current);
    this.#state = {
      configSince: inForce === undefined ? new Date(nowMs()) : new Date(inForce.at),
      configRevision: revisions.current ?? 0,
      reloadError: null,
    };
  }

  get state(): ReloadState {
    return this.#state;
  }

  get current(): Taken<C> {
    return this.#current;
  }

  get revisions(): readonly Revision[] {
    return this.#parts.revisions.all();
  }

  /** One reload at a time; what is asked for meanwhile becomes one more. */
  async run(signal: AbortSignal): Promise<void> {
    while (await this.#parts.source.requests.asked(signal)) await this.#reload();
  }

  /** Brings a configuration in force, or only says what it would change. */
  propose(text: string, origin: Origin, options: Options = {}): Promise<Outcome> {
    return this.#oneByOne(() => this.#propose(text, origin, options));
  }

  /** Back to a revision; without one, to the one before that in force. */
  rollback(revision: number | undefined, who: string, options: Options = {}): Promise<Outcome> {
    return this.#oneByOne(() => {
      const of = revision ?? this.#before();
      const text = this.textOf(of);
      return this.#propose(text, { who, how: 'rollback', file: null, of }, options);
    });
  }

  /** Throws UnknownRevision. */
  textOf(revision: number): string {
    const text = this.#parts.revisions.textOf(revision);
    if (text !== undefined) return text;
    const kept = this.revisions.map((one) => one.revision);
    const range =
      kept.length === 0 ? 'none is' : `${Math.min(...kept)} to ${Math.max(...kept)} are`;
    throw new UnknownRevision(`revision ${revision} is not kept; ${range}`);
  }

  #begin({ text }: Taken<C>, fileText: string): void {
    const { revisions, source, nowMs } = this.#parts;
    const current = revisions.current;
    if (current !== undefined && revisions.textOf(current) === text)
      return revisions.tookUp(fileText);
    const at = new Date(nowMs()).toISOString();
    const fresh = { at, who: 'the daemon', how: 'start', file: source.file, of: null } as const;
    revisions.commit(revisions.prepare({ ...fresh, changes: [] }, text), fileText);
  }

  async #reload(): Promise<void> {
    const { source, revisions, onReload = async () => {}, log } = this.#parts;
    try {
      const text = await source.read();
      const origin: Origin = { who: 'SIGHUP', how: 'file', file: source.file };
      const { changes } = await this.propose(text, origin);
      revisions.tookUp(text);
      await onReload();
      this.#state = { ...this.#state, reloadError: null };
      const changed = [...new Set(changes.map(({ path }) => path.split('.')[0]))];
      log.info({ changed }, 'configuration reloaded');
    } catch (error) {
      const reloadError = messageOf(error);
      this.#state = { ...this.#state, reloadError };
      log.error(
        { error: reloadError },
        'configuration not reloaded; the one before stays in force',
      );
    }
  }

  async #propose(text: string, origin: Origin, options: Options): Promise<Outcome> {
    const { source, check } = this.#parts;
    const { ifRevision, isDryRun = false } = options;
    const { configRevision: revision } = this.#state;
    if (ifRevision !== undefined && ifRevision !== revision)
      throw new RevisionConflict(ifRevision, revision);
    const wanted = await source.interpret(text, origin.file ?? `revision ${origin.of}`);
    const { instance } = this.#current.config;
    if (wanted.instance !== instance)
      throw new ReloadError(
        `instance: the file says ${wanted.instance}, this daemon is of ${instance}; start another daemon for it`,
      );
    const changes = await differenceOf(this.#current.config, wanted);
    if (changes.length > 0) await check(wanted);
    if (changes.length === 0 || isDryRun) {
      if (!isDryRun) this.#state = { ...this.#state, configSince: new Date(this.#parts.nowMs()) };
      return { revision, applied: false, changes };
    }
    return this.#change({ config: wanted, text }, origin, changes);
  }

  async #change(
    wanted: Taken<C>,
    { who, how, file, of = null }: Origin,
    changes: readonly Change[],
  ): Promise<Outcome> {
    const { apply, revisions, onRevision = () => {}, nowMs, log } = this.#parts;
    const at = new Date(nowMs()).toISOString();
    const lines = changes.map(formatChange);
    const fresh = revisions.prepare({ at, who, how, file, of, changes: lines }, wanted.text);
    try {
      await apply(wanted.config);
    } catch (error) {
      revisions.discard(fresh.revision);
      await apply(this.#current.config).catch((second: unknown) =>
        log.error({ error: messageOf(second) }, 'the configuration before cannot be put back'),
      );
      throw error;
    }
    this.#current = wanted;
    try {
      revisions.commit(fresh, how === 'file' ? wanted.text : undefined);
    } catch (error) {
      log.error({ error: messageOf(error) }, 'in force, but the next start will not know it');
    }
    const { revision } = fresh;
    this.#state = { ...this.#state, configSince: new Date(at), configRevision: revision };
    log.info({ revision, who, how, changes: changes.length }, 'configuration in force');
    onRevision(fresh);
    return { revision, applied: true, changes };
  }

  /** Waits for those before; a failure of theirs is none of ours. */
  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => {});
    return mine;
  }

  #before(): number {
    const { configRevision } = this.#state;
    const before = this.revisions.findLast(({ revision }) => revision < configRevision);
    if (before !== undefined) return before.revision;
    throw new UnknownRevision(`there is no revision before ${configRevision}`);
  }
}
