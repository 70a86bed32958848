/** The listening sockets: those that the configuration names, and no others. */
import { createServer, type Server, type Socket } from 'node:net';
import { formatEndpoint, formatIpv4Address, type Endpoint } from '../../packet/address.ts';

export type DoorParts = {
  readonly onConnection: (socket: Socket, at: Endpoint) => void;
  readonly onError: (error: Error, at: Endpoint) => void;
};

/** A listener's address cannot be listened on; the message says why, and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** The kernel takes the smaller of this and net.core.somaxconn. */
const BACKLOG = 16_384;

export class Doors {
  readonly #parts: DoorParts;
  readonly #servers = new Map<string, Server>();

  constructor(parts: DoorParts) {
    this.#parts = parts;
  }

  /** All of them, or, when one cannot be had, those that there were; connections stay. */
  async place(wanted: readonly Endpoint[]): Promise<void> {
    const opened = new Map<string, Server>();
    try {
      for (const at of wanted)
        if (!this.#servers.has(formatEndpoint(at)))
          opened.set(formatEndpoint(at), await this.#open(at));
    } catch (error) {
      await Promise.all([...opened.values()].map(shut));
      throw error;
    }
    const keys = new Set(wanted.map(formatEndpoint));
    for (const [key, server] of this.#servers)
      if (!keys.has(key)) {
        this.#servers.delete(key);
        void shut(server);
      }
    for (const [key, server] of opened) this.#servers.set(key, server);
  }

  #open(at: Endpoint): Promise<Server> {
    const { onConnection, onError } = this.#parts;
    const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
    const server = createServer(options, (socket) => onConnection(socket, at));
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException) => reject(explained(error, at));
      server.once('error', refuse);
      server.listen(
        { host: formatIpv4Address(at.address), port: at.port, backlog: BACKLOG, exclusive: true },
        () => {
          server.off('error', refuse);
          server.on('error', (error) => onError(error, at));
          resolve(server);
        },
      );
    });
  }
}

/** Ends when the port is free again; connections that were accepted are not its business. */
function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close();
    setImmediate(resolve); // `close` is told only when the last connection has ended
  });
}

function explained({ code, message }: NodeJS.ErrnoException, at: Endpoint): Error {
  const here = formatEndpoint(at);
  switch (code) {
    case 'EADDRNOTAVAIL':
      return new ListenError(
        `cannot listen on ${here}: the address is not one of this machine; ` +
          `ip addr add ${formatIpv4Address(at.address)}/32 dev lo`,
      );
    case 'EADDRINUSE':
      return new ListenError(
        `cannot listen on ${here}: another process does; find it with ss -ltnp 'sport = :${at.port}'`,
      );
    case 'EACCES':
      return new ListenError(
        `not permitted to listen on ${here}: ports below 1024 need CAP_NET_BIND_SERVICE; take another port, ` +
          `or sysctl -w net.ipv4.ip_unprivileged_port_start=${at.port}`,
      );
    default:
      return new ListenError(`cannot listen on ${here}: ${message}`);
  }
}
