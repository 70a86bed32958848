/** A context that remembers what was written, for tests. */
import type { Context, Sink } from './command.ts';
import { PLAIN } from './output/style.ts';

export interface Recorded {
  readonly context: Context;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly stop: () => void;
}

export function recordedContext({
  isTerminal = false,
  style = PLAIN,
  columns = 100,
  rows = 50,
} = {}): Recorded {
  const written = { stdout: '', stderr: '' };
  const stop = new AbortController();
  const sink = (name: 'stdout' | 'stderr'): Sink => ({
    write: (text) => {
      written[name] += text;
    },
    isTerminal,
    columns,
    rows,
    style,
  });
  return {
    context: { stdout: sink('stdout'), stderr: sink('stderr'), signal: stop.signal },
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    stop: () => stop.abort(),
  };
}
