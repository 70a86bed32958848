/**
 * The exchange server: echoes, or receives and sends counted bytes with checksums.
 *
 *   node dist/lab/tools/server.js --listen 10.0.98.79:9056
 *
 * Says `listening` when it is, and what it served as one line of JSON at its end.
 */

import { createServer, type Socket } from 'node:net';
import { endpoint, readFlags } from './arguments.ts';
import { SocketReader, parseCommand, sendRandom, type Report } from './wire.ts';

export type ServerResult = { accepted: number; failed: number; failures: Record<string, number> };

const LISTEN_BACKLOG = 16_384;

const { host, port } = endpoint('listen', readFlags(process.argv.slice(2), ['listen'])['listen']);
const result: ServerResult = { accepted: 0, failed: 0, failures: {} };
const server = createServer({ noDelay: true }, (socket) => {
  result.accepted += 1;
  // Also of connections that are being served: the reader hears of it too.
  socket.on('error', () => socket.destroy());
  serve(socket).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    result.failed += 1;
    result.failures[why] = (result.failures[why] ?? 0) + 1;
    socket.destroy();
  });
});
server.listen({ host, port, backlog: LISTEN_BACKLOG }, () => console.log('listening'));
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(name, () => {
    console.log(JSON.stringify(result));
    process.exit(0);
  });
}

async function serve(socket: Socket): Promise<void> {
  const reader = new SocketReader(socket);
  const line = await reader.line();
  const command = parseCommand(line);
  if (command === undefined) throw new Error(`unknown command: ${line}`);
  switch (command.kind) {
    case 'echo':
      return echo(socket, reader);
    case 'exchange': {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      const [upSha256, downSha256] = await Promise.all([
        reader.sum(command.upBytes),
        sendRandom(socket, command.downBytes),
      ]);
      const report: Report = { upSha256, downSha256, peer };
      socket.end(`${JSON.stringify(report)}\n`);
    }
  }
}

/** Line by line: what the client sends is small, and it waits for each. */
async function echo(socket: Socket, reader: SocketReader): Promise<void> {
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  for (;;) {
    const line = await Promise.race([reader.line().catch(() => undefined), ended]);
    if (line === undefined) return void socket.end();
    socket.write(`${line}\n`);
  }
}
