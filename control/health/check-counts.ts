/** How many checks of each backend succeeded and failed, and how long they took: for metrics. */
import type { Checked } from './check.ts';

export type CheckCount = {
  readonly succeeded: number;
  readonly failed: number;
  readonly seconds: number;
};

const NONE: CheckCount = { succeeded: 0, failed: 0, seconds: 0 };

export class CheckCounts {
  readonly #counts = new Map<string, CheckCount>();

  add(backend: string, { result, tookMs }: Checked): void {
    const { succeeded, failed, seconds } = this.of(backend);
    this.#counts.set(backend, {
      succeeded: succeeded + (result.ok ? 1 : 0),
      failed: failed + (result.ok ? 0 : 1),
      seconds: seconds + tookMs / 1_000,
    });
  }

  /** By `a.b.c.d:port`; a backend in two pools is checked for both, and counted together. */
  of(backend: string): CheckCount {
    return this.#counts.get(backend) ?? NONE;
  }
}
