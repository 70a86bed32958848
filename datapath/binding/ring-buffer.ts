/** Reads a BPF ring buffer: records arrive as the kernel writes them, or when asked for. */
import type { MapRef } from './kernel-object.ts';
import { callFailed } from './errors.ts';
import { check, errno, lib, sampleCallback, whenReadable, type Pointer } from './libbpf.ts';

/** `onRecord` must not throw through C: what it throws is kept and thrown by `consume`. */
export class RingBuffer {
  readonly #map: MapRef;
  readonly #ring: Pointer;
  readonly #callback: { release(): void };
  #thrown: { error: unknown } | undefined;
  #watch: { close(): void } | undefined;
  #open = true;
  #reading = false;

  constructor(map: MapRef, onRecord: (record: Buffer) => void) {
    this.#map = map;
    const callback = sampleCallback((record) => {
      try {
        onRecord(record);
      } catch (error) {
        this.#thrown ??= { error };
      }
    });
    this.#callback = callback;
    const ring: Pointer | null = lib().ringNew(map.fd, callback.pointer, null, null);
    if (ring === null) {
      const reason = errno();
      callback.release();
      throw callFailed('read ring buffer', map.name, reason);
    }
    this.#ring = ring;
  }

  /** Hands over every record that is there now; returns how many. */
  consume(): number {
    if (!this.#open || this.#reading) return 0;
    this.#reading = true;
    const count = lib().ringConsume(this.#ring);
    this.#reading = false;
    if (!this.#open) this.#free();
    check(count, 'read ring buffer', this.#map.name);
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown !== undefined) throw thrown.error;
    return count;
  }

  /** Hands over records as they come until the signal aborts, which also closes the buffer. */
  watch(signal: AbortSignal, onError: (error: unknown) => void): void {
    this.#watch = whenReadable(lib().ringEpollFd(this.#ring), () => {
      try {
        this.consume();
      } catch (error) {
        onError(error);
      }
    });
    if (signal.aborted) this.close();
    else signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** A reader of records may close the buffer too: C then gets to end its walk first. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch?.close();
    if (!this.#reading) this.#free();
  }

  #free(): void {
    lib().ringFree(this.#ring);
    this.#callback.release();
  }
}
