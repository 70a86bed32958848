/** Connections of this machine from one local port: what a restored tuple may collide with. */
import { readFile } from 'node:fs/promises';
import {
  formatEndpoint,
  ipv4Address,
  port as portOf,
  type Endpoint,
} from '../../packet/address.ts';

export interface HeldConnection {
  readonly remote: Endpoint;
  readonly state: string;
}

export type HeldConnections = (localPort: number) => Promise<readonly HeldConnection[]>;

/** include/net/tcp_states.h, as /proc/net/tcp prints them. */
const STATES: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '02': 'SYN_SENT',
  '03': 'SYN_RECV',
  '04': 'FIN_WAIT1',
  '05': 'FIN_WAIT2',
  '06': 'TIME_WAIT',
  '08': 'CLOSE_WAIT',
  '09': 'LAST_ACK',
  '0B': 'CLOSING',
};

/** Of this process's network namespace; needs no privilege. Sockets of IPv6 may speak IPv4, too. */
export async function heldConnections(localPort: number): Promise<readonly HeldConnection[]> {
  const texts = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'ascii').catch(() => '')),
  );
  return texts.flatMap((text) => parseHeld(text, localPort));
}

/** Lines of /proc/net/tcp or tcp6 that are connections over IPv4 from `localPort`. */
export function parseHeld(text: string, localPort: number): readonly HeldConnection[] {
  const wanted = `:${localPort.toString(16).toUpperCase().padStart(4, '0')}`;
  return text.split('\n').flatMap((line) => {
    const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/);
    const [name, end] = [STATES[state], endpointOf(remote)];
    if (!local.endsWith(wanted) || name === undefined || end === undefined) return [];
    return [{ remote: end, state: name }];
  });
}

export function heldText({ remote, state }: HeldConnection): string {
  return `${formatEndpoint(remote)} (${state})`;
}

/** Words of the address are printed as integers of a little-endian machine, see doc of proc(5). */
function endpointOf(text: string): Endpoint | undefined {
  const [, word = '', port = ''] =
    /^(?:0{16}FFFF0000)?([0-9A-F]{8}):([0-9A-F]{4})$/.exec(text) ?? [];
  if (word === '') return undefined;
  const bytes = word.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  return {
    address: ipv4Address(bytes.toReversed().join('.')),
    port: portOf(Number.parseInt(port, 16)),
  };
}
