/**
 * Asks a server for its line at a steady rate and says at once how each attempt
 * ended, one line of JSON each, so that a test can tell when things changed:
 *
 *   node dist/lab/tests/steady.js 10.0.23.111:18056 100
 *
 * 100 attempts a second, until SIGTERM. Every attempt is a connection of its own.
 */

import { connect } from 'node:net';

export type Attempt = {
  /** Milliseconds since 1970, comparable between the processes of a machine. */
  beganMs: number;
  tookMs: number;
  /** The server's name, or what went wrong. */
  outcome: string;
};

const TIMEOUT_MS = 3_000;

const [target = '', perSecond = '100'] = process.argv.slice(2);
const [host, port] = target.split(':');
const timer = setInterval(attempt, 1_000 / Number(perSecond));
process.once('SIGTERM', () => clearInterval(timer));

function attempt(): void {
  const beganMs = Date.now();
  const socket = connect({ host: host ?? '', port: Number(port), noDelay: true });
  let outcome = 'ended';
  let heard = '';
  const deadline = setTimeout(() => end('timeout'), TIMEOUT_MS);
  const end = (how: string) => {
    outcome = how;
    socket.destroy();
  };
  socket.once('connect', () => socket.write('GET / HTTP/1.1\r\nHost: lab\r\n\r\n'));
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
    const line = /\r\n\r\n(\S+) /.exec(heard);
    if (line?.[1] !== undefined) end(line[1]);
  });
  socket.on('error', (error: NodeJS.ErrnoException) => (outcome = error.code ?? error.message));
  socket.once('close', () => {
    clearTimeout(deadline);
    const tookMs = Date.now() - beganMs;
    console.log(JSON.stringify({ beganMs, tookMs, outcome } satisfies Attempt));
  });
}
