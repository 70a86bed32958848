/** One capture point while it is being captured: its connections at any time. */
import type { AddressBook } from '../correlate/address-book.ts';
import { PointReader, type Point } from '../correlate/point.ts';
import type { CaptureSource, Limits } from './sources.ts';

export class LivePoint {
  readonly name: string;
  readonly #reader: PointReader;
  readonly #source: CaptureSource;
  readonly #reading: Promise<void>;
  /** Everything captured so far, for who wants to keep it. */
  readonly chunks: Uint8Array[] = [];
  #bytes = 0;
  #isStopped = false;
  #problem: string | undefined;

  constructor(
    { book, source }: { readonly book: AddressBook; readonly source: CaptureSource },
    { name, file, limits }: { name: string; file: string; limits: Limits },
  ) {
    this.name = name;
    this.#reader = new PointReader({ book }, { name, file });
    this.#source = source;
    this.#reading = this.#read(limits);
  }

  /** Resolves when packets are being captured; rejects with the reason when they are not. */
  async ready(): Promise<void> {
    await this.#source.ready();
  }

  /** Why it captures no more, when it does not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  point(number: number): Point {
    return this.#reader.point(number);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#source.stop();
    await this.#reading;
  }

  async #read({ packets, bytes }: Limits): Promise<void> {
    try {
      for await (const chunk of this.#source.chunks) {
        this.#bytes += chunk.length;
        if (this.#bytes > bytes) {
          this.#problem = `more than ${bytes} bytes were captured, and no more are wanted`;
          break;
        }
        this.chunks.push(chunk);
        this.#reader.push(chunk);
      }
      if (!this.#isStopped)
        this.#problem ??=
          this.#reader.facts().packets >= packets
            ? `${packets} packets were captured, and no more are wanted`
            : 'its capture has ended before it was told to';
    } catch (error) {
      this.#problem = (error as Error).message;
    }
    this.#reader.end();
  }
}
