/** Reads the words of `fullnat probe`'s command line. */
import { lookup } from 'node:dns/promises';
import { parsePortRange } from '../packet/address-range.ts';
import {
  parseEndpoint,
  parseIpv4Address,
  parsePort,
  type Endpoint,
  type Ipv4Address,
} from '../packet/address.ts';
import { parseDurationMs } from '../control/config/duration.ts';
import { UsageError, type Argument } from './command.ts';
import { choice } from './choice.ts';
import { wellRead } from './read.ts';

export const STATES = [
  'open',
  'late',
  'closed',
  'filtered',
  'silent',
  'icmp',
  'challenge-ack',
  'local-port-busy',
] as const;
export type State = (typeof STATES)[number];

// setTimeout takes no more than this.
const WAIT_MAX_MS = 2 ** 31 - 1;

export const readTargets: Argument<readonly (() => Promise<Endpoint>)[]> = {
  name: '<vip:port...>',
  help: 'address and port, or name and port',
  read: (words) => words.map(readTarget),
};

/** Names are looked up once, when the probe starts: all attempts go to one address. */
function readTarget(text: string): () => Promise<Endpoint> {
  const [, name, portText] = /^([A-Za-z0-9._-]*[A-Za-z][A-Za-z0-9._-]*):(\d+)$/.exec(text) ?? [];
  if (name === undefined || portText === undefined) {
    const endpoint = wellRead('target', parseEndpoint(text));
    refuseZero(endpoint.port);
    return async () => endpoint;
  }
  const port = wellRead('target', parsePort(portText));
  refuseZero(port);
  return async () => {
    try {
      const { address } = await lookup(name, { family: 4 });
      return { address: wellRead('target', parseIpv4Address(address)), port };
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`no IPv4 address found for \`${name}\`; write ADDRESS:PORT`);
    }
  };
}

export function readPorts(text: string) {
  const range = wellRead('--source-port', parsePortRange(text));
  refuseZero(range.low);
  return range;
}

export function readSource(text: string): Ipv4Address {
  return wellRead('--source', parseIpv4Address(text));
}

function refuseZero(port: number): void {
  if (port === 0) throw new UsageError('port 0 cannot be connected to or from; use 1..65535');
}

export function readWait(text: string): number {
  const durationMs = wellRead('duration', parseDurationMs(text));
  if (durationMs < 1 || durationMs > WAIT_MAX_MS)
    throw new UsageError(`a duration here must be in 1ms..596h, got \`${text}\``);
  return durationMs;
}

export function readCount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`bad --count \`${text}\`; a whole number of at least 1`);
}

export function readStates(text: string): readonly State[] {
  return text.split(',').map(choice('state', STATES));
}
