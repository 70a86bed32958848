/** Where a command's metrics can be read: a port of this machine, a unix socket, or a file. */
import { chmodSync, existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { formatIpv4Address, parseEndpoint, type Endpoint } from '../packet/address.ts';
import { cidr, cidrContains } from '../packet/address-range.ts';
import { CommandError, UsageError } from './command.ts';
import { wellRead } from './read.ts';

export type MetricsPlace =
  | { readonly kind: 'tcp'; readonly endpoint: Endpoint }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string };

export interface MetricsOutlet {
  readonly close: () => Promise<void>;
}

const LOOPBACK = cidr('127.0.0.0/8');
const FILE_EVERY_MS = 1_000;
const CONNECTIONS_MOST = 16;
const REQUEST_TIMEOUT_MS = 5_000;
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** @example readMetricsPlace('unix:/run/probe.sock') // { kind: 'unix', path: '/run/probe.sock' } */
export function readMetricsPlace(text: string): MetricsPlace {
  const [, kind, path] = /^(unix|file):(.+)$/.exec(text) ?? [];
  if (kind !== undefined && path !== undefined)
    return { kind: kind === 'unix' ? 'unix' : 'file', path };
  const read = parseEndpoint(text);
  if (!read.ok)
    throw new UsageError(`bad --metrics \`${text}\`; write 127.0.0.1:PORT, unix:PATH or file:PATH`);
  return { kind: 'tcp', endpoint: wellRead('--metrics', read) };
}

/** Nothing protects the port: whoever reaches it reads targets and failing ports. */
export function refuseExposed(place: MetricsPlace, isMeant: boolean): void {
  if (isMeant || place.kind !== 'tcp' || cidrContains(LOOPBACK, place.endpoint.address)) return;
  const address = formatIpv4Address(place.endpoint.address);
  throw new UsageError(
    `--metrics ${address} can be read by others, without password or encryption; take ` +
      '127.0.0.1:PORT or unix:PATH, or say --metrics-for-others when that is meant',
  );
}

/** Resolves when it can be read. */
export async function openMetrics(place: MetricsPlace, text: () => string): Promise<MetricsOutlet> {
  try {
    return place.kind === 'file' ? fileOutlet(place.path, text) : await serve(place, text);
  } catch (error) {
    throw new CommandError(`metrics cannot be offered: ${(error as Error).message}`);
  }
}

/** Replaced whole, as readers of a folder of metrics need it (node_exporter's textfile collector). */
function fileOutlet(path: string, text: () => string): MetricsOutlet {
  const write = () => {
    const fresh = `${path}.${process.pid}.new`;
    writeFileSync(fresh, text());
    renameSync(fresh, path);
  };
  write();
  const timer = setInterval(() => {
    try {
      write();
    } catch {
      // A disk that is full for a while does not end a probe; the last write tells.
    }
  }, FILE_EVERY_MS);
  return {
    close: async () => {
      clearInterval(timer);
      write();
    },
  };
}

async function serve(
  place: Exclude<MetricsPlace, { kind: 'file' }>,
  text: () => string,
): Promise<MetricsOutlet> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    answer(text),
  );
  server.maxConnections = CONNECTIONS_MOST;
  if (place.kind === 'unix') await listenAt(server, place.path);
  else
    await listening(server, {
      host: formatIpv4Address(place.endpoint.address),
      port: place.endpoint.port,
    });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(text: () => string): RequestListener {
  return ({ method, url }, response) => {
    if (method !== 'GET' && method !== 'HEAD')
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
    if (url !== '/metrics') return void response.writeHead(404).end('see /metrics\n');
    response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(text());
  };
}

/** A socket that nobody listens on any more is left of a crash and makes way; it is for its owner only. */
async function listenAt(server: Server, path: string): Promise<void> {
  if (existsSync(path) && statSync(path).isSocket() && !(await isAnswered(path))) rmSync(path);
  const before = process.umask(0o177);
  try {
    await listening(server, { path });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function listening(
  server: Server,
  at: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
