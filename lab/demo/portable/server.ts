/** A server that understands PROXY protocol: it answers each line with its name, whom it sees, and who is said to be behind. */
import { createServer, type Server, type Socket } from 'node:net';
import { LabError } from '../../process.ts';

export type PortableServer = {
  readonly name: string;
  /** Resets of the client that arrived here. */
  readonly resets: () => number;
  /** As if the service were stopped: nobody listens, connections end. */
  stop(): Promise<void>;
  close(): Promise<void>;
};

const HEADER_BYTES = 28;
const SOURCE = { address: 16, port: 24 } as const;

export async function startPortableServer(
  name: string,
  host: string,
  port: number,
): Promise<PortableServer> {
  const sockets = new Set<Socket>();
  let resets = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNRESET') resets++;
    });
    serve(name, socket);
  });
  await listening(server, host, port);
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  return { name, resets: () => resets, stop: close, close };
}

/** A health check says nothing at all. */
function serve(name: string, socket: Socket): void {
  let heard = Buffer.alloc(0);
  let client: string | undefined;
  socket.on('data', (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
    if (client === undefined) {
      if (heard.length < HEADER_BYTES) return;
      const address = heard.subarray(SOURCE.address, SOURCE.address + 4).join('.');
      client = `${address}:${heard.readUInt16BE(SOURCE.port)}`;
      heard = heard.subarray(HEADER_BYTES);
    }
    for (let end = heard.indexOf('\n'); end >= 0; end = heard.indexOf('\n')) {
      const seen = `${socket.remoteAddress}:${socket.remotePort}`;
      socket.write(`${name} sees ${seen}, client ${client}\n`);
      heard = heard.subarray(end + 1);
    }
  });
  socket.once('end', () => socket.end('that was all\n'));
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = ({ message }: Error) =>
      reject(new LabError('LAB_NOT_READY', `${host}:${port} cannot be served: ${message}`));
    server.once('error', refuse);
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.off('error', refuse);
      resolve();
    });
  });
}
