/** Troubles that last: told when they begin, and once more when they are over. */
import type { Log } from './log.ts';

/** Without it for so long, a trouble is over. */
export const QUIET_MS = 10_000;

type Trouble = {
  readonly message: string;
  readonly beganMs: number;
  lastMs: number;
  times: number;
};

export type TroublesParts = {
  readonly log: Log;
  /** Monotonic. */
  readonly nowMs: () => number;
};

export class Troubles {
  readonly #parts: TroublesParts;
  readonly #open = new Map<string, Trouble>();

  constructor(parts: TroublesParts) {
    this.#parts = parts;
  }

  /** The first one of a kind is a line; those that follow are counted. */
  tell(kind: string, data: object, message: string, times = 1): void {
    const { log, nowMs } = this.#parts;
    const known = this.#open.get(kind);
    if (known === undefined) {
      this.#open.set(kind, { message, beganMs: nowMs(), lastMs: nowMs(), times });
      log.warn(data, message);
      return;
    }
    known.lastMs = nowMs();
    known.times += times;
  }

  /** Tells which are over. */
  follow(): void {
    const { log, nowMs } = this.#parts;
    for (const [kind, { message, beganMs, lastMs, times }] of this.#open) {
      if (nowMs() - lastMs < QUIET_MS) continue;
      this.#open.delete(kind);
      const seconds = Math.round((lastMs - beganMs) / 1_000);
      if (times > 1) log.info({ times, seconds }, `over: ${message}`);
    }
  }
}
