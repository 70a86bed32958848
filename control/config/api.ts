/** The API for other machines: over TLS, to who bears a token or a certificate. */
import { parseIpEndpoint, formatIpAddress, type IpEndpoint } from '../../packet/ip.ts';
import { show } from './problem.ts';
import { list, object, oneOf, scalar, type Read } from './shape.ts';
import { absolutePath, name } from './values.ts';

export interface ApiConfig {
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM files: the daemon's own certificate and key. */
  readonly certificate: string;
  readonly key: string;
  /** Who signs certificates of clients; absent: tokens only. */
  readonly clientCa?: string | undefined;
  /** By the common name of their certificate. */
  readonly clients: readonly ApiClient[];
  /** Further names that it is asked for under. */
  readonly hosts: readonly string[];
}

export interface ApiClient {
  readonly name: string;
  readonly role: 'read' | 'operate' | 'admin';
}

export const apiSchema = object({
  listen: listenAddress(),
  certificate: absolutePath(),
  key: absolutePath(),
  clientCa: absolutePath().optional(),
  clients: list(object({ name: name(), role: oneOf(['read', 'operate', 'admin']) })).default([]),
  hosts: list(name()).default([]),
});

/** Of this machine: any of its addresses, the loopback too, or all (0.0.0.0). */
function listenAddress() {
  return scalar((value): Read<ApiConfig['listen']> => {
    const read = parseIpEndpoint(String(value));
    if (!read.ok) return { ok: false, message: read.message };
    if (read.value.port === 0)
      return { ok: false, message: `${show(value)} has port 0; allowed are 1..65535` };
    return { ok: true, value: hostAndPort(read.value) };
  });
}

function hostAndPort({ address, port }: IpEndpoint): ApiConfig['listen'] {
  return { host: formatIpAddress(address), port };
}
