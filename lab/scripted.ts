/** Connections driven step by step from outside their namespace: opened, asked, ended. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Lab } from './lab.ts';
import type { Answer, Command } from './tools/scripted.ts';
import type { Role } from './topology.ts';

/** What became of an attempt to connect; `connection` when it is open. */
export type Attempt =
  { ok: true; connection: Connection; tookMs: number } | { ok: false; error: string };

/** `server1 10.0.88.100:21521`, or an error's name where there is no answer. */
export type Line = string;

export type Connection = {
  readonly local: string;
  /** Asks the server for its name and the peer it sees; the connection stays. */
  ask(): Promise<Line>;
  /** The same, and the server closes first: it keeps the tuple in TIME_WAIT. */
  askLast(): Promise<Line>;
  abort(): Promise<void>;
};

export type Client = {
  connect(target: string, localPort?: number, timeoutMs?: number): Promise<Attempt>;
  stop(): Promise<void>;
};

const PROGRAM = resolve(import.meta.dirname, 'tools/scripted.js');
const ANSWER_TIMEOUT_MS = 5_000;
/** Two retransmitted SYNs, after 1 s and 3 s, are waited for. */
const CONNECT_TIMEOUT_MS = 4_500;

/** Runs `action` with a client in a namespace; its connections end with it. */
export async function withClient<T>(
  lab: Lab,
  role: Role,
  action: (client: Client) => Promise<T>,
): Promise<T> {
  const client = startClient(lab, role);
  try {
    return await action(client);
  } finally {
    await client.stop();
  }
}

function startClient(lab: Lab, role: Role): Client {
  const child = lab.spawn(role, [process.execPath, PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const tell = teller(child);
  let names = 0;
  return {
    connect: async (target, localPort, timeoutMs = CONNECT_TIMEOUT_MS) => {
      const [host = '', port] = target.split(':');
      const name = `${(names += 1)}`;
      const answer = await tell({
        ...{ do: 'connect', name, host, port: Number(port), timeoutMs },
        ...(localPort === undefined ? {} : { localPort }),
      });
      if (!answer.ok) return answer;
      const { text, tookMs } = answer;
      return { ok: true, tookMs, connection: connection(tell, name, text) };
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
}

function connection(tell: Tell, name: string, local: string): Connection {
  const line = (answer: Answer) => (answer.ok ? answer.text : answer.error);
  const asked = (how: 'ask' | 'ask-last') => tell({ do: how, name, timeoutMs: ANSWER_TIMEOUT_MS });
  return {
    local,
    ask: async () => line(await asked('ask')),
    askLast: async () => line(await asked('ask-last')),
    abort: async () => void (await tell({ do: 'abort', name })),
  };
}

type Tell = (command: Command) => Promise<Answer>;

function teller(child: ChildProcess): Tell {
  const waiting = new Map<number, (answer: Answer) => void>();
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { id, ...answer } = JSON.parse(line) as Answer & { id: number };
      waiting.get(id)?.(answer);
      waiting.delete(id);
    });
  }
  // Whoever still waits when the program ends is told so, instead of waiting for ever.
  child.once('close', () => {
    for (const answer of waiting.values()) answer({ ok: false, error: 'CLIENT_ENDED' });
    waiting.clear();
  });
  child.stdin?.on('error', () => {});
  let id = 0;
  return (command) =>
    new Promise((done) => {
      id += 1;
      waiting.set(id, done);
      child.stdin?.write(`${JSON.stringify({ id, ...command })}\n`);
    });
}
