/** Reads the capture files of a trace: several at once, in threads, where several are there to read. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { AddressBook } from '../diagnose/correlate/address-book.ts';
import {
  readPoint,
  receivePoint,
  type Point,
  type PointParts,
} from '../diagnose/correlate/point.ts';
import { capturedChunks, type PointFile } from './capture-files.ts';
import { CommandError } from './command.ts';
import type { Reply } from './point-worker.ts';

/** Compiled, and beside this file. */
const WORKER = new URL('point-worker.js', import.meta.url);

export async function readPoints(
  tools: { readonly book: AddressBook },
  files: readonly PointFile[],
): Promise<Point[]> {
  const threads = Math.min(files.length, availableParallelism());
  // Standard input may be fed by what writes the next file: one after the other.
  if (threads < 2 || files.some(({ path }) => path === '-')) {
    const points: Point[] = [];
    for (const [number, { name, path }] of files.entries())
      points.push(
        await readPoint(tools, { name, file: path, chunks: capturedChunks(path) }, number),
      );
    return points;
  }
  const parts = await inThreads(files, threads);
  return parts.map((one, number) => receivePoint(tools, one, number));
}

/** Each thread takes the next file as soon as it has read one. */
async function inThreads(files: readonly PointFile[], threads: number): Promise<PointParts[]> {
  const found: PointParts[] = [];
  const waiting = [...files.entries()];
  const worker = async () => {
    const thread = new Worker(WORKER);
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [number, file] = next;
        found[number] = await readIn(thread, file);
      }
    } finally {
      await thread.terminate();
    }
  };
  await Promise.all(Array.from({ length: threads }, worker));
  return found;
}

async function readIn(thread: Worker, file: PointFile): Promise<PointParts> {
  thread.postMessage(file, []);
  // Rejects when the thread ends with an error.
  const [reply] = (await once(thread, 'message')) as [Reply];
  if ('failure' in reply) throw new CommandError(reply.failure);
  return reply.point;
}
