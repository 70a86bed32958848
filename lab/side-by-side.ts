/**
 * Direct and balanced connections of one client at the same time, out of a narrow range of
 * ports, to servers that close first: what makes two of them want one tuple.
 */

import { countersDuring } from './counters.ts';
import type { Lab } from './lab.ts';
import {
  SERVER_ADDRESSES,
  SERVER_PORT,
  VIRTUAL_ADDRESS,
  VIRTUAL_PORT,
  serversOf,
} from './topology.ts';
import type { OpenResult } from './tools/open.ts';
import { startOpening } from './traffic.ts';

export type SideBySideOptions = {
  /** Of each kind: so many direct and so many balanced connections. */
  perSecond: number;
  seconds: number;
  /** The client's ephemeral ports, both ends included. */
  range: { low: number; high: number };
  /** What each server must say of its client. */
  expect: 'address' | 'peer';
};

export type SideBySideResult = {
  /** SYNs that the client had to send again, of either kind. */
  synRetransmissions: number;
  balanced: OpenResult;
  direct: OpenResult[];
};

// A SYN that is dropped is sent again after 1 s: the second one is waited for.
const CONNECT_TIMEOUT_MS = 2_500;
const RANGE_SYSCTL = 'net.ipv4.ip_local_port_range';

/**
 * Opens them on a lab built with `closeFirst`, and does `meanwhile`, which is told whether the last
 * balanced one has ended. The client's port range is put back afterwards.
 */
export async function openSideBySide<T>(
  lab: Lab,
  { perSecond, seconds, range, expect }: SideBySideOptions,
  meanwhile: (isOver: () => boolean) => Promise<T>,
): Promise<SideBySideResult & { meanwhile: T }> {
  const servers = serversOf(lab.options.servers);
  const start = (target: string, rate: number) =>
    startOpening(lab, 'client', {
      ...{ timeoutMs: CONNECT_TIMEOUT_MS, closer: 'server', expect },
      ...{ target, count: Math.round(rate * seconds), perSecond: rate },
    });
  return withPortRange(lab, range, async () => {
    const { result, changes } = await countersDuring(lab.namespace('client'), async () => {
      const balanced = start(`${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`, perSecond);
      const direct = servers.map((role) =>
        start(`${SERVER_ADDRESSES[role]}:${SERVER_PORT}`, perSecond / servers.length),
      );
      let isOver = false;
      const over = () => void (isOver = true);
      balanced.result.then(over, over);
      return {
        meanwhile: await meanwhile(() => isOver),
        balanced: await balanced.result,
        direct: await Promise.all(direct.map((running) => running.result)),
      };
    });
    return { ...result, synRetransmissions: Number(changes.get('TcpExtTCPSynRetrans') ?? 0n) };
  });
}

async function withPortRange<T>(
  lab: Lab,
  { low, high }: SideBySideOptions['range'],
  action: () => Promise<T>,
): Promise<T> {
  const set = (words: string) => lab.run('client', ['sysctl', '-qw', `${RANGE_SYSCTL}=${words}`]);
  const before = await lab.run('client', ['sysctl', '-n', RANGE_SYSCTL]);
  await set(`${low} ${high}`);
  try {
    return await action();
  } finally {
    await set(before.stdout.trim());
  }
}
