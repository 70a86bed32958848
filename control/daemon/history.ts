/** The last so many things that happened, oldest first. */
export class History<T> {
  readonly #capacity: number;
  #items: T[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(item: T): void {
    this.#items.push(item);
    /* dropping a quarter at a time keeps adding cheap */
    if (this.#items.length > this.#capacity * 1.25)
      this.#items = this.#items.slice(-this.#capacity);
  }

  all(): readonly T[] {
    return this.#items.slice(-this.#capacity);
  }
}
