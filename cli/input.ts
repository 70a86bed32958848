/** Reads a file that a person named, or standard input; what is wrong with it is a usage error. */
import { readFile } from 'node:fs/promises';
import { UsageError } from './command.ts';

/** `-` is standard input. */
export async function readInput(file: string): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new UsageError(`${file}: there is no such file`);
    if (code === 'EISDIR') throw new UsageError(`${file}: is a directory; name a file`);
    if (code === 'EACCES') throw new UsageError(`${file}: permission denied`);
    throw new UsageError(`${file}: ${message}`);
  }
}
