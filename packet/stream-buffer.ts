/** Chunks of a file one after the other in one piece of memory, with what the last one left over. */

export class StreamBuffer {
  #memory: Uint8Array = new Uint8Array(0);
  #left = 0;
  #leftAt = 0;

  /** Left over, then `chunk`: valid until the next call. */
  append(chunk: Uint8Array): Uint8Array {
    const length = this.#left + chunk.length;
    if (length > this.#memory.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#memory.length));
      larger.set(this.#memory.subarray(this.#leftAt, this.#leftAt + this.#left));
      this.#memory = larger;
    } else this.#memory.copyWithin(0, this.#leftAt, this.#leftAt + this.#left);
    this.#memory.set(chunk, this.#left);
    this.#leftAt = 0;
    this.#left = length;
    return this.#memory.subarray(0, length);
  }

  /** Of the bytes that `append` gave, those from `at` on are kept for the next. */
  keepFrom(at: number): void {
    this.#left -= at - this.#leftAt;
    this.#leftAt = at;
  }

  /** Bytes that are kept. */
  get left(): number {
    return this.#left;
  }
}
