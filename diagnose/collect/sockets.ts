/** TCP sockets as `ss` lists them: listeners with their queues, and connections by state. */
import { readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

export interface ListeningSocket {
  /** `10.0.98.79:8056`, `0.0.0.0:22`, `*:80`, `[::]:80`. */
  readonly local: string;
  readonly port: number;
  /** Connections that wait for accept(), and how many may. */
  readonly queued: number;
  readonly queueMost: number;
}

export interface TcpSocket {
  /** `ESTAB`, `SYN-RECV`, `TIME-WAIT`. */
  readonly state: string;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly local: string;
  readonly peer: string;
}

export interface Sockets {
  readonly listeners: readonly ListeningSocket[];
  readonly connections: readonly TcpSocket[];
}

/** Of a busy machine only those that concern these ports are asked for. */
export function collectSockets(
  runner: Runner,
  ports: readonly number[],
): Promise<Collected<Sockets>> {
  const filter = ports.flatMap((port, i) => [
    ...(i === 0 ? [] : ['or']),
    ...['sport', '=', `:${port}`, 'or', 'dport', '=', `:${port}`],
  ]);
  return readFrom(runner, ['ss', '-Htan', ...filter], parseSockets);
}

/** `LISTEN 0 128 10.0.98.79:8056 0.0.0.0:*` */
export function parseSockets(text: string): Sockets {
  const all = text.split('\n').flatMap((line): TcpSocket[] => {
    const [state, receive, send, local, peer] = line.trim().split(/\s+/);
    if (state === undefined || local === undefined || peer === undefined) return [];
    return [{ state, receiveQueue: Number(receive), sendQueue: Number(send), local, peer }];
  });
  return {
    listeners: all
      .filter(({ state }) => state === 'LISTEN')
      .map(({ local, receiveQueue, sendQueue }) => ({
        local,
        port: portOf(local),
        queued: receiveQueue,
        queueMost: sendQueue,
      })),
    connections: all.filter(({ state }) => state !== 'LISTEN'),
  };
}

export function portOf(socket: string): number {
  return Number(socket.slice(socket.lastIndexOf(':') + 1));
}
