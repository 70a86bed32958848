/** The last so many things that happened, oldest first. */
export class History<T> {
  readonly #capacity: number;
  #items: T[] = [];
  readonly #listeners: ((item: T) => void)[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(item: T): void {
    this.#items.push(item);
    for (const listener of this.#listeners) listener(item);
    /* dropping a quarter at a time keeps adding cheap */
    if (this.#items.length > this.#capacity * 1.25)
      this.#items = this.#items.slice(-this.#capacity);
  }

  /** Called for each that is added from now on. */
  onAdd(listener: (item: T) => void): void {
    this.#listeners.push(listener);
  }

  all(): readonly T[] {
    return this.#items.slice(-this.#capacity);
  }
}
