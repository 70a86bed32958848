/** One request to a daemon: over its unix socket, or over TLS to one elsewhere. */
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Route } from '../../control/api/route.ts';

export type Target =
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'remote';
      readonly url: URL;
      readonly token?: string | undefined;
      /** PEM: who signed the daemon's certificate, and the certificate of who asks. */
      readonly ca?: string | undefined;
      readonly certificate?: string | undefined;
      readonly key?: string | undefined;
    };

export type Call = {
  readonly method: Route['method'];
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the usual patience is not enough. */
  readonly timeoutMs?: number;
};

export type Answer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: string;
    }
  /** There is no such socket. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly why: string };

/** To apply 20,000 backends takes two seconds; a question is answered from memory and maps. */
const CHANGE_TIMEOUT_MS = 60_000;
const QUESTION_TIMEOUT_MS = 5_000;

/** Never rejects: what went wrong is part of the answer. */
export function callApi(target: Target, call: Call): Promise<Answer> {
  const usualMs = call.method === 'GET' ? QUESTION_TIMEOUT_MS : CHANGE_TIMEOUT_MS;
  const { timeoutMs = usualMs } = call;
  return new Promise((resolve) => {
    const failed = (why: string) => resolve({ kind: 'failed', why });
    const start = target.kind === 'remote' ? httpsRequest : httpRequest;
    const asked = start(optionsOf(target, call), (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => failed(error.message));
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ kind: 'answer', status, headers, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    asked.setTimeout(timeoutMs, () => {
      failed(`no answer within ${timeoutMs / 1_000} s`);
      asked.destroy();
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      if (target.kind === 'socket' && error.code === 'ENOENT') resolve({ kind: 'absent' });
      else failed(explained(target, error));
    });
    asked.end(call.body);
  });
}

function optionsOf(
  target: Target,
  { method, path, query = {}, body, contentType, headers }: Call,
): RequestOptions {
  const common = {
    method,
    path: withQuery(path, query),
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...headers,
    },
  };
  if (target.kind === 'socket')
    return { ...common, socketPath: target.path, headers: { host: 'fullnat', ...common.headers } };
  const { url, token, ca, certificate: cert, key } = target;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    ...common,
    ...{ hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port || '443' },
    headers: { host: url.host, ...authorization, ...common.headers },
    ...{ ca, cert, key, minVersion: 'TLSv1.2' },
  };
}

function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const words = new URLSearchParams(query).toString();
  return words === '' ? path : `${path}?${words}`;
}

function explained(target: Target, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return target.kind === 'socket'
        ? 'the socket is there but no daemon listens on it: it was stopped or killed; start it again'
        : 'nobody listens there; see `api.listen` in the configuration of the daemon';
    case 'EACCES':
      return 'permission denied; run as root, or as a member of the group that owns the socket';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return `its certificate is signed by nobody known here (${error.code}); name who signed it with --ca FILE`;
    default:
      return error.message;
  }
}
