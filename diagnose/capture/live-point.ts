/** One capture point while it is being captured: packets from tcpdump in, its connections at any time. */
import type { AddressBook } from '../correlate/address-book.ts';
import { PointReader, type Point } from '../correlate/point.ts';
import type { Started } from '../collect/runner.ts';

export interface Limits {
  readonly packets: number;
  readonly bytes: number;
}

/** All headers, and the largest option space. */
const SNAP_BYTES = 144;

export class LivePoint {
  readonly name: string;
  readonly #reader: PointReader;
  readonly #started: Started;
  readonly #reading: Promise<void>;
  /** Everything captured so far, for who wants to keep it. */
  readonly chunks: Uint8Array[] = [];
  #bytes = 0;
  #problem: string | undefined;

  constructor(
    { book, started }: { readonly book: AddressBook; readonly started: Started },
    { name, device, limits }: { name: string; device: string; limits: Limits },
  ) {
    this.name = name;
    this.#reader = new PointReader({ book }, { name, file: device });
    this.#started = started;
    this.#reading = this.#read(limits);
  }

  /** Resolves when packets are being captured; rejects when tcpdump says why not. */
  async ready(): Promise<void> {
    await this.#started.said('listening on');
  }

  /** Why it captures no more, when it does not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  point(number: number): Point {
    return this.#reader.point(number);
  }

  async stop(): Promise<void> {
    await this.#started.stop();
    await this.#reading;
  }

  async #read({ bytes }: Limits): Promise<void> {
    try {
      for await (const chunk of this.#started.stdout) {
        this.#bytes += chunk.length;
        if (this.#bytes > bytes) {
          this.#problem = `more than ${bytes} bytes were captured`;
          break;
        }
        this.chunks.push(chunk);
        this.#reader.push(chunk);
      }
    } catch (error) {
      this.#problem = (error as Error).message;
    }
    this.#reader.end();
  }
}

/** The argument list of tcpdump, for people to see before it runs. */
export function tcpdumpArgv(device: string, filter: string, { packets }: Limits): string[] {
  return [
    // As root it would become another user, and forget whose end is its own.
    ...['tcpdump', '-i', device, '-n', '-U', '--immediate-mode', '-Z', 'root'],
    ...['-s', String(SNAP_BYTES), '-c', String(packets), '-w', '-', filter],
  ];
}
