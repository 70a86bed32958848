/** A runner that starts processes of this machine: nsenter and ssh bring them where they belong. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  argvAt,
  type Ran,
  type Runner,
  type RunOptions,
  type Started,
  type Where,
} from './runner.ts';

const TIMEOUT_MS = 10_000;
/** What a program needs to write its last lines and end. */
const STOP_MS = 2_000;
/** Programs of the system may not be in the path of a user. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

export function machineRunner(where: Where): Runner {
  return {
    // Another machine's is wherever its path says.
    node: where.kind === 'ssh' ? 'node' : process.execPath,
    argvThere: (argv) => argvAt(where, argv),
    run: (argv, options = {}) => run(argvAt(where, argv), options),
    start: (argv) => start(argvAt(where, argv)),
  };
}

function run(argv: readonly string[], { input, timeoutMs = TIMEOUT_MS }: RunOptions): Promise<Ran> {
  const [program = '', ...rest] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, rest, { env: environment(), stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve({ ok: false, why: `${program} did not end within ${timeoutMs / 1000} s` });
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const why = error.code === 'ENOENT' ? `${program} is not installed` : error.message;
      resolve({ ok: false, why });
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
      resolve({ ok: true, code: code ?? 128, stdout: text(out), stderr: text(err) });
    });
  });
}

function start(argv: readonly string[]): Started {
  const [program = ''] = argv;
  // Killed when this process is, however it ends: nothing stays behind that captures.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  let ended: string | undefined;
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
    changed();
  });
  child.once('error', (error) => {
    ended = error.message;
    changed();
  });
  child.once('close', () => {
    ended ??= words.trim().split('\n').at(-1) ?? 'it ended';
    changed();
  });
  return {
    stdout: child.stdout as AsyncIterable<Buffer>,
    said: (wanted) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!words.includes(wanted) && ended === undefined) return;
          listeners.delete(look);
          if (words.includes(wanted)) resolve();
          else reject(new Error(`${program}: ${ended}`));
        };
        listeners.add(look);
        look();
      }),
    stop: async () => {
      if (ended !== undefined) return;
      const closed = once(child, 'close');
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function environment(): NodeJS.ProcessEnv {
  // Programs that translate their messages could not be read.
  return { ...process.env, PATH, LC_ALL: 'C' };
}
