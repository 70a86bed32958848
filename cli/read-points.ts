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

/** A thread that reads makes hardly any objects: more room for them would only stay unused. */
const YOUNG_MB = 4;

/** In path order. */
export async function* readPoints(
  tools: { readonly book: AddressBook },
  files: readonly PointFile[],
): AsyncGenerator<Point, void> {
  const threads = Math.min(files.length, availableParallelism());
  // Standard input may be fed by what writes the next file: one after the other.
  if (threads < 2 || files.some(({ path }) => path === '-')) {
    for (const [number, { name, path }] of files.entries())
      yield readPoint(tools, { name, file: path, chunks: capturedChunks(path) }, number);
    return;
  }
  const reading = inThreads(files, threads);
  // Awaited in order: one that fails while another is awaited must not count as unhandled.
  for (const one of reading) one.catch(() => {});
  for (const [number, one] of reading.entries()) yield receivePoint(tools, await one, number);
}

/** By turns: files of one path are about as long. */
function inThreads(files: readonly PointFile[], threads: number): Promise<PointParts>[] {
  const reading: Promise<PointParts>[] = [];
  for (let place = 0; place < threads; place += 1) {
    const thread = new Worker(WORKER, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    let before: Promise<unknown> = Promise.resolve();
    for (let number = place; number < files.length; number += threads) {
      const file = files[number];
      if (!file) continue;
      const read = before.then(() => readIn(thread, file));
      reading[number] = read;
      before = read.catch(() => {});
    }
    void before.then(() => thread.terminate());
  }
  return reading;
}

async function readIn(thread: Worker, file: PointFile): Promise<PointParts> {
  thread.postMessage(file, []);
  // Rejects when the thread ends with an error.
  const [reply] = (await once(thread, 'message')) as [Reply];
  if ('failure' in reply) throw new CommandError(reply.failure);
  return reply.point;
}
