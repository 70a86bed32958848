/** Time that passes only when everybody waits for it. */
import { setImmediate as settle } from 'node:timers/promises';
import type { Clock } from '../health/check.ts';

export class VirtualClock implements Clock {
  #nowMs = 0;
  #jumpedMs = 0;
  #sleepers: { atMs: number; wake: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs + this.#jumpedMs;
  }

  steadyMs(): number {
    return this.#nowMs;
  }

  /** As if somebody set the clock of the wall. */
  jump(byMs: number): void {
    this.#jumpedMs += byMs;
  }

  sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#sleepers.push({ atMs: this.#nowMs + durationMs, wake: resolve });
    });
  }

  /** Wakes every sleeper in its turn, and lets it work, until that moment. */
  async runUntil(endMs: number): Promise<void> {
    for (;;) {
      await settle();
      this.#sleepers.sort((a, b) => a.atMs - b.atMs);
      const next = this.#sleepers[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#sleepers.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
    this.#nowMs = endMs;
  }
}
