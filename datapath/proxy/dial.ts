/** One try to reach a backend from one local address and port. */
import { connect, type Socket } from 'node:net';
import { formatIpv4Address, type Endpoint } from '../../packet/address.ts';

export type Dialled =
  | { readonly kind: 'connected' }
  /** Another process, or the machine's TIME_WAIT, has the port: the next one may be free. */
  | { readonly kind: 'port-taken' }
  /** The machine has no such address, whatever the port. */
  | { readonly kind: 'not-ours' }
  /** Refused, unreachable, silent: another backend may answer. */
  | { readonly kind: 'unreachable'; readonly code: string };

/** The socket is there at once, so that whoever gives up can destroy it: that ends the try. */
export type Dial = (
  to: Endpoint,
  from: Endpoint,
  timeoutMs: number,
) => { readonly socket: Socket; readonly outcome: Promise<Dialled> };

export const dial: Dial = (to, from, timeoutMs) => {
  const socket = connect({
    host: formatIpv4Address(to.address),
    port: to.port,
    localAddress: formatIpv4Address(from.address),
    localPort: from.port,
    allowHalfOpen: true,
    noDelay: true,
  });
  const outcome = new Promise<Dialled>((resolve) => {
    const timer = setTimeout(() => {
      resolve({ kind: 'unreachable', code: 'ETIMEDOUT' });
      socket.destroy();
    }, timeoutMs);
    const done = (dialled: Dialled) => {
      clearTimeout(timer);
      socket.off('error', onError);
      socket.off('close', onClose);
      resolve(dialled);
    };
    const onError = (error: NodeJS.ErrnoException) => done(meaningOf(error));
    const onClose = () => done({ kind: 'unreachable', code: 'ECANCELED' });
    socket.once('connect', () => done({ kind: 'connected' }));
    socket.on('error', onError);
    socket.on('close', onClose);
  });
  return { socket, outcome };
};

function meaningOf({ code = 'unknown', syscall }: NodeJS.ErrnoException): Dialled {
  switch (code) {
    case 'EADDRINUSE':
    case 'EACCES': // a port below 1024
      return { kind: 'port-taken' };
    case 'EADDRNOTAVAIL':
      return syscall === 'bind' ? { kind: 'not-ours' } : { kind: 'port-taken' };
    default:
      return { kind: 'unreachable', code };
  }
}
