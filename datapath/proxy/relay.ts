/**
 * Joins two sockets: what one receives the other sends, no more of it kept in between than
 * one read and one buffer; an end is passed on as an end, a reset as a reset.
 */
import type { Socket } from 'node:net';

export type RelayEvents = {
  /** This side has sent its FIN; the other may go on. */
  readonly halfClosed: (side: 'client' | 'server') => void;
  /** Both sockets are closed. */
  readonly ended: () => void;
};

/** Both must let a peer end its half alone (allowHalfOpen). */
export function relay(client: Socket, server: Socket, events: RelayEvents): void {
  let open = 2;
  const closed = () => {
    open--;
    if (open === 0) events.ended();
  };
  forward(client, server, { half: () => events.halfClosed('client'), closed });
  forward(server, client, { half: () => events.halfClosed('server'), closed });
}

function forward(
  from: Socket,
  to: Socket,
  { half, closed }: { readonly half: () => void; readonly closed: () => void },
): void {
  const onClose = () => {
    if (!from.readableEnded) reset(to);
    else if (!from.writableFinished) deliver(to);
    closed();
  };
  from.on('error', () => {}); // 'close' follows
  if (from.closed) return onClose();
  from.once('end', half);
  from.once('close', onClose);
  from.pipe(to);
}

/** Its peer had sent everything before it went away: that still arrives, as it would without us. */
function deliver(to: Socket): void {
  if (to.writableFinished) to.destroy();
  else to.once('finish', () => to.destroy());
}

/** RST, where there is a connection. */
export function reset(socket: Socket): void {
  if (socket.pending) socket.destroy();
  else if (isSendingFin(socket)) socket.once('finish', () => reset(socket));
  else socket.resetAndDestroy();
}

/** Until shutdown(2) is done libuv refuses to reset (EINVAL), and Node.js 20 then never closes the socket. */
function isSendingFin({ writableEnded, writableFinished, writableLength }: Socket): boolean {
  return writableEnded && !writableFinished && writableLength === 0;
}
