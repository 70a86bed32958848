/** The thread that reads capture files for `readPoints`: a file's name in, its connections out. */
import { parentPort } from 'node:worker_threads';
import { readPointParts, type PointParts } from '../diagnose/correlate/point.ts';
import { capturedChunks, type PointFile } from './capture-files.ts';
import { CommandError } from './command.ts';

export type Reply = { readonly point: PointParts } | { readonly failure: string };

parentPort?.on('message', ({ name, path }: PointFile) => {
  void answer(name, path);
});

async function answer(name: string, path: string): Promise<void> {
  try {
    const point = await readPointParts({ name, file: path, chunks: capturedChunks(path) });
    parentPort?.postMessage({ point } satisfies Reply, point.table.pages);
  } catch (error) {
    // Anything else is a mistake in the program: thrown, it ends the thread, and `readIn` tells.
    if (!(error instanceof CommandError)) throw error;
    parentPort?.postMessage({ failure: error.message } satisfies Reply, []);
  }
}
