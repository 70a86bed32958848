/** The TCP connect check: a handshake, ended by RST so that neither side keeps a TIME_WAIT for it. */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { formatIpv4Address, type Endpoint, type Ipv4Address } from '../../packet/address.ts';
import type { Clock, Connector } from './check.ts';

/** In words that `get backends` shows. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect refused',
  ECONNRESET: 'connect reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'no route to network',
  EADDRNOTAVAIL: 'source address or port not available on this machine',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate is of an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate is of an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate is of an unknown authority',
  CERT_HAS_EXPIRED: 'certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is for another name',
  EMFILE: 'too many open files on this machine',
};

export function reasonOf({ code = 'unknown error' }: NodeJS.ErrnoException): string {
  return REASONS[code] ?? code;
}

export const connectOnce: Connector = connectFrom();

/** The machine chooses the source where none is given. */
export function connectFrom(source?: Ipv4Address): Connector {
  return (target, timeoutMs, signal) => handshake(target, source, timeoutMs, signal);
}

/** Where to, and from which address, as Node's sockets want it. */
export function placesOf({ address, port }: Endpoint, source: Ipv4Address | undefined) {
  const to = { host: formatIpv4Address(address), port };
  return source === undefined ? to : { ...to, localAddress: formatIpv4Address(source) };
}

function handshake(
  target: Endpoint,
  source: Ipv4Address | undefined,
  timeoutMs: number,
  signal: AbortSignal,
): ReturnType<Connector> {
  return new Promise((resolve) => {
    const socket = connect(placesOf(target, source));
    const abort = () => finish({ ok: false, reason: 'stopped' });
    const timer = setTimeout(() => finish({ ok: false, reason: 'timeout' }), timeoutMs);
    const finish = (result: Awaited<ReturnType<Connector>>) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.resetAndDestroy();
      resolve(result);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => finish({ ok: true }));
    socket.on('error', (error) => finish({ ok: false, reason: reasonOf(error) }));
  });
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  sleep: (durationMs, signal) => wait(durationMs, undefined, { signal }).catch(() => undefined),
};
