/** Capture files as the command line names them, opened, decompressed and streamed. */
import { createReadStream, createWriteStream } from 'node:fs';
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

/** gzip is told by the first bytes; what cannot be opened or decompressed is a CommandError. */
export async function* capturedChunks(path: string): AsyncGenerator<Uint8Array, void> {
  const stream: Readable =
    path === '-' ? process.stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
    const first = await chunks.next();
    if (first.done) return;
    const whole = startingWith(first.value, chunks);
    if (first.value[0] !== GZIP_MAGIC[0] || first.value[1] !== GZIP_MAGIC[1]) {
      yield* whole;
      return;
    }
    const unzipped = createGunzip({ chunkSize: CHUNK_BYTES });
    const source = Readable.from(whole);
    source.once('error', (error) => unzipped.destroy(error));
    yield* source.pipe(unzipped) as AsyncIterable<Buffer>;
  } catch (error) {
    const name = path === '-' ? 'standard input' : path;
    throw new CommandError(`${name} could not be read: ${(error as Error).message}`);
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
  first: Buffer,
  rest: AsyncIterator<Buffer, undefined>,
): AsyncGenerator<Buffer, void> {
  yield first;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
