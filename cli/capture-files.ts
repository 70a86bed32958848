/** Capture files as the command line names them, opened, decompressed and streamed. */
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CommandError, UsageError } from './command.ts';

export interface PointFile {
  readonly name: string;
  /** `-` is standard input. */
  readonly path: string;
}

const CHUNK_BYTES = 1024 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** `['client=c.pcap', 'server.pcap']`; a file without a name is called by its own. */
export function pointFiles(words: readonly string[]): PointFile[] {
  const files = words.map((word) => {
    const [, given, named] = /^([A-Za-z0-9][\w.-]*)=(.+)$/.exec(word) ?? [];
    const path = named ?? word;
    const name =
      given ??
      (path === '-' ? 'stdin' : basename(path).replace(/\.(?:pcap|pcapng|cap|gz)+\b.*$/, ''));
    return { name, path };
  });
  const twice = files.find(({ name }, i) => files.findIndex((other) => other.name === name) !== i);
  if (twice)
    throw new UsageError(`two capture points are called \`${twice.name}\`; write NAME=FILE`);
  if (files.filter(({ path }) => path === '-').length > 1)
    throw new UsageError('standard input can be one capture point only');
  return files;
}

/**
 * gzip is told by the first bytes; what cannot be opened or decompressed is a CommandError. A chunk
 * is valid until the next is asked for.
 */
export async function* capturedChunks(path: string): AsyncGenerator<Uint8Array, void> {
  try {
    const chunks = path === '-' ? (process.stdin as AsyncIterable<Buffer>) : fileChunks(path);
    const iterator = chunks[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done === true) return;
    const whole = startingWith(first.value, iterator);
    if (first.value[0] !== GZIP_MAGIC[0] || first.value[1] !== GZIP_MAGIC[1]) {
      yield* whole;
      return;
    }
    const unzipped = createGunzip({ chunkSize: CHUNK_BYTES });
    const source = Readable.from(copies(whole));
    source.once('error', (error) => unzipped.destroy(error));
    yield* source.pipe(unzipped) as AsyncIterable<Buffer>;
  } catch (error) {
    const name = path === '-' ? 'standard input' : path;
    throw new CommandError(`${name} could not be read: ${(error as Error).message}`);
  }
}

/**
 * Into the same two pieces of memory again and again: a stream would allocate as much as the file is
 * long. One is filled while the other is looked at.
 */
async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await open(path);
  let reading: Promise<{ readonly bytesRead: number }> | undefined;
  const fill = (memory: Uint8Array) => file.read(memory, 0, CHUNK_BYTES);
  try {
    let [next, other] = [new Uint8Array(CHUNK_BYTES), new Uint8Array(CHUNK_BYTES)];
    reading = fill(next);
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      [next, other] = [other, next];
      reading = fill(next);
      // Awaited only after what was read before it: until then its failure is nobody's.
      reading.catch(() => {});
      yield other.subarray(0, bytesRead);
    }
  } finally {
    await reading?.catch(() => {});
    await file.close();
  }
}

export async function writeChunks(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(Readable.from(chunks), createWriteStream(path));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${path} could not be written: ${(error as Error).message}`);
  }
}

async function* startingWith(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array, unknown>,
): AsyncGenerator<Uint8Array, void> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* copies(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of chunks) yield chunk.slice();
}
