/** The traffic that faults must not disturb: connections that send all the time, and new ones. */

import type { Lab } from '../lab.ts';
import type { HoldResult } from '../tools/hold.ts';
import type { OpenResult } from '../tools/open.ts';
import {
  startExchangeServer,
  startHolding,
  startedOpening,
  openConnections,
  type Running,
} from '../traffic.ts';
import { VIRTUAL_ADDRESS, VIRTUAL_PORT } from '../topology.ts';
import { EXCHANGE_VIRTUAL_PORT } from '../config.ts';

export const STALL_MS = 1_000;
/** A connection has one line under way at a time, and sends the next one so long after the last. */
const EVERY_MS = 50;
/** Rates that are tried, from the lowest on. */
const RATES = [100, 200, 400, 700, 1_000];
const TRIAL_SECONDS = 3;
/** What answers later was waiting for a processor. */
const SLOW_P99_MS = 150;
/** TIME_WAIT of the servers and a client address' ports allow a thousand a second. */
const CLIENT_PORTS = '1024 65535';

export type Held = { stop(): Promise<HoldResult> };

export async function startHeld(lab: Lab, count: number, seconds: number): Promise<Held> {
  const roles = ['server1', 'server2'] as const;
  const servers = await Promise.all(roles.map((role) => startExchangeServer(lab, role)));
  const holding = await startHolding(lab, 'client', {
    target: `${VIRTUAL_ADDRESS}:${EXCHANGE_VIRTUAL_PORT}`,
    ...{ count, everyMs: EVERY_MS, stallMs: STALL_MS, seconds },
  });
  return {
    stop: async () => {
      const result = await holding.stop();
      await Promise.all(servers.map((server) => server.stop()));
      return result;
    },
  };
}

/** The most new connections per second that this machine opens and answers in time beside the others. */
export async function highestRate(lab: Lab): Promise<number> {
  let best = RATES[0] ?? 0;
  for (const perSecond of RATES) {
    const { failures, connectMs, slow } = await openConnections(lab, 'client2', {
      ...flagsFor(perSecond),
      count: perSecond * TRIAL_SECONDS,
    });
    if (failures.length > 0 || slow > 0 || connectMs.p99 > SLOW_P99_MS) break;
    best = perSecond;
  }
  return best;
}

export function startNew(lab: Lab, perSecond: number): Promise<Running<OpenResult>> {
  return startedOpening(lab, 'client2', { ...flagsFor(perSecond), count: 1_000_000 });
}

export async function widenPorts(lab: Lab): Promise<void> {
  await lab.run('client2', ['sysctl', '-qw', `net.ipv4.ip_local_port_range=${CLIENT_PORTS}`]);
}

/** Servers close first, so that TIME_WAIT is theirs; the answer must name the client's address. */
function flagsFor(perSecond: number) {
  const target = `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`;
  return { target, perSecond, closer: 'server', expect: 'address', timeoutMs: 10_000 } as const;
}
