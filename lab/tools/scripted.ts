/**
 * A client that does one step at a time, as it is told on standard input, and
 * answers each with one line of JSON: for tests of what two connections do to
 * each other. It ends when its input does.
 *
 *   {"id":1,"do":"connect","name":"a","host":"10.0.98.79","port":8056,"localPort":21521,"timeoutMs":2000}
 *   {"id":2,"do":"ask","name":"a"}
 *   {"id":3,"do":"abort","name":"a"}
 */

import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export type Command =
  | {
      do: 'connect';
      name: string;
      host: string;
      port: number;
      localPort?: number;
      timeoutMs: number;
    }
  /** Asks the server who it is and whom it sees; `ask-last` has it close after that. */
  | { do: 'ask' | 'ask-last'; name: string; timeoutMs: number }
  /** A RST, at once. */
  | { do: 'abort'; name: string };

/** `error` is an errno name, TIMEOUT, or CLOSED for a connection that ended before it answered. */
export type Answer = { ok: true; text: string; tookMs: number } | { ok: false; error: string };

const sockets = new Map<string, Socket>();

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...command } = JSON.parse(line) as Command & { id: number };
  // Not awaited: steps that overlap are the caller's choice.
  void perform(command).then((answer) => console.log(JSON.stringify({ id, ...answer })));
}
process.exit(0);

async function perform(command: Command): Promise<Answer> {
  const start = performance.now();
  try {
    const text = await step(command);
    return { ok: true, text, tookMs: performance.now() - start };
  } catch (error) {
    return { ok: false, error: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

function step(command: Command): Promise<string> {
  switch (command.do) {
    case 'connect':
      return open(command);
    case 'ask':
      return ask(socketOf(command.name), 'keep-alive', command.timeoutMs);
    case 'ask-last':
      return ask(socketOf(command.name), 'close', command.timeoutMs);
    case 'abort':
      socketOf(command.name).resetAndDestroy();
      sockets.delete(command.name);
      return Promise.resolve('');
  }
}

function open(command: Extract<Command, { do: 'connect' }>): Promise<string> {
  const { name, host, port, localPort, timeoutMs } = command;
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host, port, noDelay: true },
      ...(localPort === undefined ? {} : { localPort }),
    });
    const deadline = setTimeout(() => socket.destroy(failure('TIMEOUT')), timeoutMs);
    socket.on('error', reject);
    socket.once('close', () => {
      clearTimeout(deadline);
      reject(failure('CLOSED'));
    });
    socket.once('connect', () => {
      clearTimeout(deadline);
      sockets.set(name, socket);
      resolve(`${socket.localAddress}:${socket.localPort}`);
    });
  });
}

/** The body's line; with `close` only after the connection has ended at both ends. */
function ask(socket: Socket, connection: 'keep-alive' | 'close', timeoutMs: number) {
  return new Promise<string>((resolve, reject) => {
    let heard = '';
    const settle = (result: string | Error) => {
      clearTimeout(deadline);
      socket.off('data', hear);
      socket.off('close', end);
      if (typeof result === 'string') resolve(result);
      else reject(result);
    };
    const body = () => /\r\n\r\n([^\n]*)\n/.exec(heard)?.[1];
    const hear = (chunk: Buffer) => {
      heard += chunk.toString();
      const line = body();
      if (line !== undefined && connection === 'keep-alive') settle(line);
    };
    const end = () => settle(body() ?? failure('CLOSED'));
    const deadline = setTimeout(() => settle(failure('TIMEOUT')), timeoutMs);
    socket.on('data', hear);
    socket.once('close', end);
    if (socket.destroyed) end();
    else socket.write(`GET / HTTP/1.1\r\nHost: lab\r\nConnection: ${connection}\r\n\r\n`);
  });
}

function socketOf(name: string): Socket {
  const socket = sockets.get(name);
  if (socket === undefined) throw failure('NO_SUCH_CONNECTION');
  return socket;
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
