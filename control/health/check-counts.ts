/** How many checks of each target succeeded and failed, and how long they took: for metrics. */
import { formatEndpoint } from '../../packet/address.ts';
import type { Connector } from './check.ts';

export type CheckCount = {
  readonly succeeded: number;
  readonly failed: number;
  readonly seconds: number;
};

const NONE: CheckCount = { succeeded: 0, failed: 0, seconds: 0 };

export class CheckCounts {
  readonly #counts = new Map<string, CheckCount>();
  readonly #steadyMs: () => number;

  constructor({ steadyMs }: { readonly steadyMs: () => number }) {
    this.#steadyMs = steadyMs;
  }

  /** The same connector; its results are counted, but for those that were called off. */
  counted(connect: Connector): Connector {
    return async (target, timeoutMs, signal) => {
      const begun = this.#steadyMs();
      const result = await connect(target, timeoutMs, signal);
      if (signal.aborted) return result;
      const key = formatEndpoint(target);
      const { succeeded, failed, seconds } = this.of(key);
      this.#counts.set(key, {
        succeeded: succeeded + (result.ok ? 1 : 0),
        failed: failed + (result.ok ? 0 : 1),
        seconds: seconds + (this.#steadyMs() - begun) / 1_000,
      });
      return result;
    };
  }

  /** By `a.b.c.d:port`; a backend in two pools is checked for both, and counted together. */
  of(target: string): CheckCount {
    return this.#counts.get(target) ?? NONE;
  }
}
