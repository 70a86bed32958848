/** The HTTP check: one request, its status, and what its body says; over TLS where it is told so. */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { formatEndpoint, type Endpoint, type Ipv4Address } from '../../packet/address.ts';
import type { HttpCheck } from '../config/health.ts';
import type { CheckResult } from './state.ts';
import type { Connector } from './check.ts';
import { placesOf, reasonOf } from './connect.ts';

/** What is looked for stands at the beginning, and a check must not fill the memory. */
const BODY_BYTES_MOST = 65_536;

export function httpConnector(check: HttpCheck, source?: Ipv4Address): Connector {
  return (target, timeoutMs, signal) =>
    new Promise((resolve) => {
      const request = (check.tls === undefined ? requestHttp : requestHttps)(
        optionsOf(check, target, source),
      );
      const timer = setTimeout(() => finish({ ok: false, reason: 'timeout' }), timeoutMs);
      const abort = () => finish({ ok: false, reason: 'stopped' });
      const finish = (result: CheckResult) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        request.destroy();
        resolve(result);
      };
      signal.addEventListener('abort', abort, { once: true });
      request.on('error', (error) => finish({ ok: false, reason: reasonOf(error) }));
      request.once('response', (response) => judge(response, check, finish));
      request.end();
    });
}

function optionsOf(
  { method, path, host, tls }: HttpCheck,
  target: Endpoint,
  source: Ipv4Address | undefined,
) {
  const name = host ?? formatEndpoint(target);
  return {
    ...{ ...placesOf(target, source), method, path, agent: false },
    headers: { host: name, connection: 'close', 'user-agent': 'fullnat-check' },
    ...(tls === undefined ? {} : { rejectUnauthorized: tls.verify }),
    /* an address is no server name (RFC 6066 section 3); none is verified against the address */
    ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
  };
}

function judge(
  response: IncomingMessage,
  { statuses, body }: HttpCheck,
  finish: (result: CheckResult) => void,
): void {
  const { statusCode = 0 } = response;
  if (!statuses.some(({ low, high }) => statusCode >= low && statusCode <= high))
    return finish({ ok: false, reason: `status ${statusCode}` });
  if (body === undefined) return finish({ ok: true });
  let heard = '';
  response.setEncoding('utf8');
  const decide = () =>
    finish(heard.includes(body) ? { ok: true } : { ok: false, reason: 'body does not match' });
  response.on('data', (piece: string) => {
    heard += piece;
    if (heard.includes(body) || heard.length >= BODY_BYTES_MOST) decide();
  });
  response.once('end', decide);
  response.once('error', (error) => finish({ ok: false, reason: reasonOf(error) }));
}
