/** Sends malformed requests to a daemon's socket: none may end it, be answered with 500, or change anything. */
import { connect } from 'node:net';
import type { Route } from '../route.ts';
import { CONFIG_ROUTES } from '../config-routes.ts';
import { BALANCER_ROUTES } from '../routes.ts';
import { randomOf, requestOf } from './requests.ts';

export type FuzzResult = {
  readonly requests: number;
  /** How many were answered with each status; 0: the connection was closed without an answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The first requests that were answered with 500, as text. */
  readonly faults: readonly string[];
};

const AT_ONCE = 16;
/** Of who does not send the rest. */
const PATIENCE_MS = 50;
const FAULTS_SHOWN = 3;

export async function fuzz(
  socketPath: string,
  { seed, requests }: { readonly seed: number; readonly requests: number },
): Promise<FuzzResult> {
  const random = randomOf(seed);
  const routes: Route[] = [...Object.values(BALANCER_ROUTES), ...Object.values(CONFIG_ROUTES)];
  const statuses: Record<string, number> = {};
  const faults: string[] = [];
  let sent = 0;
  const worker = async () => {
    while (sent < requests) {
      sent++;
      const bytes = requestOf(random, routes);
      const status = await send(socketPath, bytes);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 500 && faults.length < FAULTS_SHOWN) faults.push(bytes.toString());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { requests, statuses, faults };
}

/** Rejects only when nobody listens any more. */
function send(path: string, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    let head = '';
    const done = () => {
      socket.destroy();
      resolve(Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0));
    };
    socket.setTimeout(PATIENCE_MS, done);
    socket.on('data', (chunk: Buffer) => {
      if (head === '') head = chunk.toString('latin1', 0, 16);
    });
    socket.on('end', done);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') reject(error);
      else done();
    });
    socket.write(bytes);
  });
}
