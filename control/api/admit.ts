/**
 * Who comes in, and as what. Over the unix socket: whoever its permissions let through, as admin.
 * Over TLS: who bears a token, or a certificate that the configuration names. Nobody else.
 */
import type { IncomingMessage } from 'node:http';
import { userInfo } from 'node:os';
import { readFileSync } from 'node:fs';
import { TLSSocket } from 'node:tls';
import { peerUser } from '../../datapath/binding/peer.ts';
import type { ApiConfig } from '../config/api.ts';
import type { TokenStore } from '../state/tokens.ts';
import { ApiError } from './api-error.ts';
import { RateLimit, type Rate } from './rate-limit.ts';
import type { Identity } from './route.ts';

export type AdmissionParts = {
  readonly tokens: Pick<TokenStore, 'find'>;
  /** Of the configuration in force. */
  readonly api: () => ApiConfig | undefined;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly rates?: Rates;
};

export type Rates = { readonly local: Rate; readonly remote: Rate; readonly failures: Rate };

/** As `@hono/node-server` tells it. */
export type Surroundings = { readonly incoming?: IncomingMessage };

const RATES: Rates = {
  /* a console and a dozen `get -w` */
  local: { perSecond: 500, burst: 1_000 },
  remote: { perSecond: 50, burst: 100 },
  /* of one address, before it is told no more than to wait */
  failures: { perSecond: 0.2, burst: 10 },
};
const LOCAL_HOSTS = ['fullnat', 'localhost'];
const REALM = { 'www-authenticate': 'Bearer realm="fullnat"' };

export function admission({ tokens, api, nowMs, rates = RATES }: AdmissionParts) {
  const local = new RateLimit(rates.local, nowMs);
  const remote = new RateLimit(rates.remote, nowMs);
  const failures = new RateLimit(rates.failures, nowMs);

  return (request: Request, surroundings: unknown): Identity => {
    const { incoming } = (surroundings ?? {}) as Surroundings;
    const socket = incoming?.socket;
    const host = hostIn(request.headers.get('host') ?? '');
    if (!(socket instanceof TLSSocket)) {
      requireHost(host, LOCAL_HOSTS);
      const who = bearer(request) ?? localUser(socket);
      within(local, who.name);
      return who;
    }
    const config = api();
    if (config === undefined) throw new ApiError(403, 'the API is no longer offered here');
    requireHost(host, [config.listen.host, ...LOCAL_HOSTS.slice(1), ...config.hosts]);
    try {
      const who = bearer(request) ?? certified(socket, config);
      within(remote, who.name);
      return who;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401)
        within(failures, socket.remoteAddress ?? '');
      throw error;
    }
  };

  /** Undefined when no token is shown. */
  function bearer(request: Request): Identity | undefined {
    const given = request.headers.get('authorization');
    if (given === null) return undefined;
    const [, text] = /^Bearer +([A-Za-z0-9._~+/=-]{1,200}) *$/i.exec(given) ?? [];
    const token = text === undefined ? undefined : tokens.find(text);
    if (token === undefined)
      throw new ApiError(401, 'the token is unknown, expired or revoked', { headers: REALM });
    return { name: `token ${token.name}`, role: token.role };
  }
}

function certified(socket: TLSSocket, { clients }: ApiConfig): Identity {
  const name = socket.getPeerCertificate()?.subject?.CN;
  if (typeof name !== 'string' || name === '')
    throw new ApiError(401, 'show a token (Authorization: Bearer …) or a certificate', {
      headers: REALM,
    });
  if (!socket.authorized)
    throw new ApiError(401, `the certificate of '${name}' is not signed by api.clientCa`);
  const known = clients.find((client) => client.name === name);
  if (known === undefined)
    throw new ApiError(403, `the certificate of '${name}' has no role; name it in api.clients`);
  return { name: `certificate ${name}`, role: known.role };
}

/** Root, and the group that the socket has. */
function localUser(socket: unknown): Identity {
  const handle = (socket as Readonly<Record<string, unknown>> | undefined)?.['_handle'];
  const { fd } = (handle ?? {}) as { fd?: number };
  const uid = fd === undefined ? undefined : peerUser(fd);
  return { name: uid === undefined ? 'unix socket' : `uid ${uid}${named(uid)}`, role: 'admin' };
}

const names = new Map<number, string>();

/** A look at /etc/passwd for each new user; who is not in it has a number. */
function named(uid: number): string {
  const known = names.get(uid);
  if (known !== undefined) return known;
  const name = uid === process.getuid?.() ? userInfo().username : nameInPasswd(uid);
  const shown = name === undefined ? '' : ` (${name})`;
  names.set(uid, shown);
  return shown;
}

function nameInPasswd(uid: number): string | undefined {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    return lines.map((line) => line.split(':')).find(([, , number]) => number === String(uid))?.[0];
  } catch {
    return undefined;
  }
}

/** A page in a browser can make it send requests here, but not under our name (DNS rebinding). */
function requireHost(host: string, known: readonly string[]): void {
  if (known.includes(host)) return;
  throw new ApiError(421, `this is not '${host}'; ask for one of ${known.join(', ')}`);
}

function hostIn(header: string): string {
  return header
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}

function within(limit: RateLimit, who: string): void {
  const waitSeconds = limit.take(who);
  if (waitSeconds === undefined) return;
  throw new ApiError(429, `too many requests; try again in ${waitSeconds} s`, {
    headers: { 'retry-after': String(waitSeconds) },
  });
}
