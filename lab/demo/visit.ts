/** Connections and probes of the demo, started in the clients' namespaces. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Attempt } from '../../diagnose/probe/probe.ts';
import type { Lab } from '../lab.ts';
import { LabError } from '../process.ts';
import type { Role } from '../topology.ts';

export type Visitor = {
  /** The server's line on this connection: `server1 10.0.88.100:21521`. */
  ask(): Promise<string>;
  close(): Promise<void>;
};

export type VisitOptions = { target: string; local: string; port: number };
export type ProbeOptions = {
  target: string;
  ports: string;
  intervalMs: number;
  timeoutMs: number;
};

const TOOLS = resolve(import.meta.dirname, '../tools');
const ANSWER_TIMEOUT_MS = 5_000;

/** Opens a connection and holds it; rejects when it does not come about. */
export async function visit(lab: Lab, role: Role, options: VisitOptions): Promise<Visitor> {
  const { target, local, port } = options;
  const words = ['--target', target, '--local', local, '--port', String(port)];
  const argv = [process.execPath, `${TOOLS}/visitor.js`, ...words];
  const child = lab.spawn(role, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin?.on('error', () => {}); // it ended; the next answer does not come, which tells it
  const said = answersOf(child);
  const answer = async () => {
    const line = await within(ANSWER_TIMEOUT_MS, said.next());
    if (line === undefined || line.startsWith('failed')) {
      child.kill();
      const why = line ?? 'no answer';
      throw new LabError('LAB_COMMAND_FAILED', `${local}:${port} to ${target}: ${why}`);
    }
    return line;
  };
  await answer();
  return {
    ask: () => {
      child.stdin?.write('\n');
      return answer();
    },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
}

/** Walks over source ports once; each attempt is told as it ends. */
export async function probeFrom(
  lab: Lab,
  role: Role,
  { target, ports, intervalMs, timeoutMs }: ProbeOptions,
  onAttempt: (attempt: Attempt) => void,
): Promise<Attempt[]> {
  const flags = { target, ports, 'interval-ms': intervalMs, 'timeout-ms': timeoutMs };
  const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const argv = [process.execPath, `${TOOLS}/prober.js`, ...words];
  const child = lab.spawn(role, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const attempts: Attempt[] = [];
  if (child.stdout === null) throw new RangeError('the probe has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const attempt = JSON.parse(line) as Attempt;
    attempts.push(attempt);
    onAttempt(attempt);
  }
  return attempts;
}

/** Lines of a program, one at a time; undefined when it has ended. */
function answersOf(child: ChildProcess): { next: () => Promise<string | undefined> } {
  if (child.stdout === null) throw new RangeError('the program has no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    next: async () => {
      const next: IteratorResult<string, undefined> = await lines.next();
      return next.done === true ? undefined : next.value;
    },
  };
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((done) => {
    timer = setTimeout(() => done(undefined), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
