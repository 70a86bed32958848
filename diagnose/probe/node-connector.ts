/** Connections of this process's own network namespace, by ordinary sockets: no privilege needed. */
import { connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatIpv4Address } from '../../packet/address.ts';
import type { Clock, Connection, Connector, ConnectRequest } from './probe.ts';
import type { Ending } from './outcome.ts';

// A target that does not answer our FIN is left to the kernel after this.
const LINGER_MS = 500;

export const connectByNode: Connector = (request, signal) => {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const socket = netConnect(optionsOf(request));
    let source: Connection['source'];
    // Node binds and connects on the next tick; only until the socket fails is its name known.
    process.nextTick(() => {
      source = sourceOf(socket);
    });

    const timer = setTimeout(() => finish({ kind: 'timeout' }), request.timeoutMs);
    const abort = () => {
      clearTimeout(timer);
      socket.destroy();
      reject(signal.reason as Error);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => finish({ kind: 'connected' }));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      finish({
        kind: 'refused-by-kernel',
        code: error.code ?? error.message,
        at: error.syscall === 'bind' ? 'bind' : 'connect',
      }),
    );

    // Called again by errors after the handshake, when the promise is settled: harmless.
    function finish(ending: Ending): void {
      const durationMs = performance.now() - startMs;
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      const name = sourceOf(socket) ?? source;
      resolve({
        ending,
        durationMs,
        closed: ending.kind === 'connected' ? close(socket, request.close) : destroy(socket),
        ...(name === undefined ? {} : { source: name }),
      });
    }
  });
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (durationMs, signal) => {
    await sleep(durationMs, undefined, { signal }).catch(() => {});
  },
};

function optionsOf({ target, sourceAddress, sourcePort }: ConnectRequest): TcpNetConnectOpts {
  return {
    host: formatIpv4Address(target.address),
    port: target.port,
    noDelay: true,
    ...(sourceAddress === undefined ? {} : { localAddress: formatIpv4Address(sourceAddress) }),
    ...(sourcePort === undefined ? {} : { localPort: sourcePort }),
  };
}

function sourceOf({ localAddress, localPort }: Socket): Connection['source'] {
  if (localAddress === undefined || !localPort) return undefined;
  return { address: localAddress, port: localPort };
}

/** Unread data would turn the FIN of a close into a RST, so it is read. */
function close(socket: Socket, how: 'fin' | 'reset'): Promise<void> {
  if (how === 'reset') {
    const closed = closeOf(socket);
    socket.resetAndDestroy();
    return closed;
  }
  const closed = closeOf(socket);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.resume();
  socket.end();
  return closed.finally(() => clearTimeout(timer));
}

function destroy(socket: Socket): Promise<void> {
  const closed = closeOf(socket);
  socket.destroy();
  return closed;
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}
