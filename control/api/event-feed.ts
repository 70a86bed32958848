/**
 * `GET /v1/feed`: what happens, as server-sent events. Each has a number; who comes back with
 * `Last-Event-ID` gets what was missed, or one event `resync` when that is no longer known (or was
 * before a restart): then the lists say how things are. A reader who is too slow gets the same.
 */
import type { EventRow } from './rows.ts';

export type FeedEvent = EventRow;
type Numbered = { readonly id: number; readonly event: FeedEvent };

/** For who comes back: a network that was away for a minute under attack. */
const KEPT = 2_000;
/** Not yet read by one reader. */
const QUEUED_MOST = 500;
const READERS_MOST = 64;
/** Proxies and readers notice a dead connection. */
const PING_MS = 15_000;
const RETRY_MS = 2_000;

export class EventFeed {
  /** Of this daemon's life: a number of an earlier one means nothing. */
  readonly #life: string;
  readonly #readers = new Set<Reader>();
  #kept: Numbered[] = [];
  #next = 1;

  constructor(life: string) {
    this.#life = life;
  }

  add(event: FeedEvent): void {
    const numbered = { id: this.#next++, event };
    this.#kept.push(numbered);
    if (this.#kept.length > KEPT * 1.25) this.#kept = this.#kept.slice(-KEPT);
    const text = this.#textOf(numbered);
    for (const reader of this.#readers) reader.send(text, this.#resyncText());
  }

  /** Undefined when too many read already. */
  open(lastEventId: string | undefined): ReadableStream<Uint8Array> | undefined {
    if (this.#readers.size >= READERS_MOST) return undefined;
    const reader = new Reader(() => this.#readers.delete(reader));
    this.#readers.add(reader);
    reader.send(`retry: ${RETRY_MS}\n\n`, '');
    for (const text of this.#missed(lastEventId)) reader.send(text, this.#resyncText());
    return reader.stream;
  }

  close(): void {
    for (const reader of [...this.#readers]) reader.close();
  }

  #missed(lastEventId: string | undefined): readonly string[] {
    if (lastEventId === undefined) return [];
    const [life, number] = lastEventId.split('-');
    const seen = /^\d{1,15}$/.test(number ?? '') ? Number(number) : undefined;
    const oldest = this.#kept[0]?.id ?? this.#next;
    const isKnown =
      life === this.#life && seen !== undefined && seen >= oldest - 1 && seen < this.#next;
    if (!isKnown) return [this.#resyncText()];
    const missed = this.#kept.filter(({ id }) => id > seen);
    return missed.length > QUEUED_MOST
      ? [this.#resyncText()]
      : missed.map((one) => this.#textOf(one));
  }

  #textOf({ id, event }: Numbered): string {
    return `id: ${this.#life}-${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  }

  #resyncText(): string {
    return `id: ${this.#life}-${this.#next - 1}\nevent: resync\ndata: {}\n\n`;
  }
}

class Reader {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #ping: ReturnType<typeof setInterval>;
  readonly #onClose: () => void;
  #queue: string[] = [];
  #wake: () => void = () => {};
  #isClosed = false;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
    this.#ping = setInterval(() => this.send(': ping\n\n', ''), PING_MS);
    this.#ping.unref();
    this.stream = new ReadableStream(
      {
        pull: async (controller) => {
          if (this.#queue.length === 0 && !this.#isClosed)
            await new Promise<void>((resolve) => (this.#wake = resolve));
          const text = this.#queue.splice(0).join('');
          if (text !== '') controller.enqueue(Buffer.from(text));
          if (this.#isClosed) controller.close();
        },
        cancel: () => this.close(),
      },
      { highWaterMark: 0 },
    );
  }

  /** When too much is unread, all of it makes way for one event. */
  send(text: string, resync: string): void {
    if (this.#isClosed) return;
    if (this.#queue.length < QUEUED_MOST) this.#queue.push(text);
    else this.#queue = [resync];
    this.#wake();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#ping);
    this.#wake();
    this.#onClose();
  }
}
