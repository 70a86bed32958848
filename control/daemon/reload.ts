/** Takes a configuration file up again while the daemon runs: whole, or not at all. */
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from './failure.ts';
import type { Log } from './log.ts';

export interface ReloadRequests {
  /** Resolves to true when a reload is asked for, or was meanwhile; to false when the signal aborts. */
  asked(signal: AbortSignal): Promise<boolean>;
}

/** Where a configuration comes from, after the first time. */
export type ReloadSource<C> = {
  readonly requests: ReloadRequests;
  /** The file as it is now; rejects when it cannot be used. */
  readonly read: () => Promise<C>;
};

export type ReloadState = {
  /** When what is in force was taken up. */
  readonly configSince: Date;
  /** Why the last reload took nothing up; null when it did. */
  readonly reloadError: string | null;
};

/** What the file wants cannot be had while the daemon runs. */
export class ReloadError extends Error {
  override readonly name = 'ReloadError';
}

export type ReloaderParts<C> = {
  readonly source: ReloadSource<C>;
  /** Rejects when it cannot be had; changes nothing. */
  readonly check: (config: C) => void | Promise<void>;
  /** Brings everything to a configuration, from wherever an earlier attempt left it. */
  readonly apply: (config: C) => Promise<void>;
  readonly log: Log;
};

export class Reloader<C extends { readonly instance: string }> {
  readonly #parts: ReloaderParts<C>;
  #current: C;
  #state: ReloadState = { configSince: new Date(), reloadError: null };

  /** `current` is in force already. */
  constructor(parts: ReloaderParts<C>, current: C) {
    this.#parts = parts;
    this.#current = current;
  }

  get state(): ReloadState {
    return this.#state;
  }

  /** One reload at a time; what is asked for meanwhile becomes one more. */
  async run(signal: AbortSignal): Promise<void> {
    const { requests } = this.#parts.source;
    while (await requests.asked(signal)) await this.#reload();
  }

  async #reload(): Promise<void> {
    const { source, log } = this.#parts;
    try {
      const wanted = await source.read();
      const changed = changedKeys(this.#current, wanted);
      if (changed.length > 0) await this.#change(wanted);
      this.#current = wanted;
      this.#state = { configSince: new Date(), reloadError: null };
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

  async #change(wanted: C): Promise<void> {
    const { check, apply, log } = this.#parts;
    const current = this.#current;
    if (wanted.instance !== current.instance)
      throw new ReloadError(
        `instance: the file says ${wanted.instance}, this daemon is of ${current.instance}; start another daemon for it`,
      );
    await check(wanted);
    try {
      await apply(wanted);
    } catch (error) {
      await apply(current).catch((second: unknown) =>
        log.error({ error: messageOf(second) }, 'the configuration before cannot be put back'),
      );
      throw error;
    }
  }
}

/** The keys of the file's first level that differ. */
function changedKeys(before: object, after: object): string[] {
  const values = (of: object) => of as Readonly<Record<string, unknown>>;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !isDeepStrictEqual(values(before)[key], values(after)[key]));
}
