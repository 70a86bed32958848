#!/usr/bin/env node
/** The program `fullnat`: the process around run(). */
import { isatty, type WriteStream } from 'node:tty';
import type { Context, Sink } from './command.ts';
import { styleFor } from './output/style.ts';
import { commandsFor } from './registry.ts';
import { run } from './run.ts';

const stop = new AbortController();
// Once each: a second Ctrl-C ends the process at once.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));

const context: Context = {
  stdout: sink(process.stdout),
  stderr: sink(process.stderr),
  signal: stop.signal,
  onKey: isatty(process.stdin.fd) ? onKey : undefined,
};
// The reader of the pipe has seen enough (`… | head`): nothing more to do, and no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

let exitCode: number;
try {
  const words = process.argv.slice(2);
  exitCode = await run(await commandsFor(words[0]), words, context);
} catch (error) {
  context.stderr.write(
    `fullnat: unexpected: ${error instanceof Error ? error.stack : String(error)}\n`,
  );
  exitCode = 1;
}
await Promise.all([drained(process.stdout), drained(process.stderr)]);
process.exit(exitCode);

function sink(stream: NodeJS.WriteStream & { fd: number }): Sink {
  const isTerminal = isatty(stream.fd);
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    get columns() {
      return sized((stream as Partial<WriteStream>).columns, 100);
    },
    get rows() {
      return sized((stream as Partial<WriteStream>).rows, 24);
    },
    style: styleFor(isTerminal, process.env),
  };
}

function onKey(tell: (key: string) => void): () => void {
  const { stdin } = process;
  const listener = (data: Buffer) => tell(data.toString('utf8'));
  stdin.setRawMode(true);
  stdin.on('data', listener);
  return () => {
    stdin.off('data', listener);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** A terminal that does not know its size says 0. */
function sized(said: number | undefined, usual: number): number {
  return said === undefined || said === 0 ? usual : said;
}

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}
