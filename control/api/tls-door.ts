/** The way in from other machines: over TLS, opened, renewed and closed as the configuration says. */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import type { ApiConfig } from '../config/api.ts';
import type { Log } from '../daemon/log.ts';
import type { TokenStore } from '../state/tokens.ts';
import { SERVER_LIMITS } from './socket.ts';

/** It cannot be opened, or nobody could come in. */
export class DoorError extends Error {
  override readonly name = 'DoorError';
}

export type TlsDoorParts = {
  readonly app: Promise<Pick<Hono, 'fetch'>>;
  readonly tokens: Pick<TokenStore, 'all'>;
  readonly log: Log;
};

type Open = { readonly server: Server; readonly api: ApiConfig };

const CONNECTIONS_MOST = 256;

export class TlsDoor {
  readonly #parts: TlsDoorParts;
  #open: Open | undefined;

  constructor(parts: TlsDoorParts) {
    this.#parts = parts;
  }

  /** Where it is open; null while it is not. */
  get address(): ReturnType<Server['address']> {
    return this.#open?.server.address() ?? null;
  }

  /** Throws DoorError when it cannot be as wanted; changes nothing. */
  check(api: ApiConfig | undefined): void {
    if (api !== undefined) this.#credentials(api);
  }

  /** As wanted from now on; certificates are read anew. */
  async follow(api: ApiConfig | undefined): Promise<void> {
    const open = this.#open;
    if (open !== undefined && api !== undefined && isSameDoor(open.api, api)) {
      (open.server as Server & { setSecureContext(options: object): void }).setSecureContext(
        this.#credentials(api),
      );
      this.#open = { ...open, api };
      return;
    }
    if (api === undefined) return this.close();
    /* at the same place there is no room for both */
    const isMoved = open === undefined || !isDeepStrictEqual(open.api.listen, api.listen);
    if (!isMoved) await this.close();
    const next = await this.#listen(api);
    await this.close();
    this.#open = { server: next, api };
    this.#parts.log.info(
      { ...api.listen, clientCa: api.clientCa ?? null },
      'the API is open over TLS',
    );
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    await new Promise<void>((resolve) => {
      open.server.close(() => resolve());
      open.server.closeAllConnections();
    });
  }

  async #listen(api: ApiConfig): Promise<Server> {
    const { app } = this.#parts;
    const server = createAdaptorServer({
      fetch: async (request: Request, env: object) => (await app).fetch(request, env),
      createServer,
      serverOptions: { ...SERVER_LIMITS, ...this.#credentials(api) },
    }) as Server;
    server.maxConnections = CONNECTIONS_MOST;
    await new Promise<void>((resolve, reject) => {
      const { host, port } = api.listen;
      server.once('error', (error) =>
        reject(new DoorError(`api.listen: cannot listen on ${host}:${port}: ${error.message}`)),
      );
      server.listen({ host, port }, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', () => {}); /* of single connections: their clients know */
    return server;
  }

  #credentials({ certificate, key, clientCa, clients }: ApiConfig) {
    const hasClients = clientCa !== undefined && clients.length > 0;
    if (!hasClients && this.#parts.tokens.all().length === 0)
      throw new DoorError(
        'api: nobody could come in; make a token first (fullnat token create NAME --role read), or name clientCa and clients',
      );
    const options = {
      ...{
        cert: pem('certificate', certificate),
        key: pem('key', key),
        minVersion: 'TLSv1.2' as const,
      },
      ...(clientCa === undefined ? {} : { ca: pem('clientCa', clientCa) }),
      /* who has none may bear a token: see admit.ts */
      ...{ requestCert: clientCa !== undefined, rejectUnauthorized: false },
    } as const;
    try {
      createSecureContext(options);
    } catch (error) {
      throw new DoorError(`api: ${certificate} and ${key} do not fit: ${(error as Error).message}`);
    }
    return options;
  }
}

/** Whether certificates are asked for is settled when it is opened. */
function isSameDoor(a: ApiConfig, b: ApiConfig): boolean {
  const isAsking = ({ clientCa }: ApiConfig) => clientCa !== undefined;
  return isDeepStrictEqual(a.listen, b.listen) && isAsking(a) === isAsking(b);
}

function pem(what: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new DoorError(`api.${what}: ${(error as Error).message}`);
  }
}
