/**
 * Short connections as fast as they go, from many client addresses with and without time
 * stamps, to a server that closes first: what a source port that meets TIME_WAIT costs.
 */

import { parseWrk, wrkArgv } from '../bench/wrk.ts';
import { countersDuring } from '../counters.ts';
import type { Lab } from '../lab.ts';
import { startManyClients, type ClientRole } from './many-clients.ts';

/** Where connections go, and until when. */
export type ChurnOptions = { url: string; seconds: number };

export type Churn = {
  seconds: number;
  connections: number;
  /** Connects, reads and writes that failed, and answers that did not come. */
  errors: number;
  /** SYNs that clients had to send again. */
  synRetransmits: number;
  /** What the server's kernel refused and why, by counter. */
  server: Record<ServerCounter, number>;
};

/** A server in TIME_WAIT that does not take a SYN counts it here. */
const SERVER_COUNTERS = ['PAWSTimewait', 'TCPACKSkippedTimeWait', 'ListenDrops'] as const;
export type ServerCounter = (typeof SERVER_COUNTERS)[number];

/** Twenty addresses each; the second half has no time stamps. */
export const CLIENTS: readonly { role: ClientRole; first: string; timestamps: 0 | 1 }[] = [
  { role: 'client', first: '10.0.88.120', timestamps: 1 },
  { role: 'client2', first: '10.0.88.160', timestamps: 0 },
];
export const ADDRESSES_EACH = 20;

/**
 * Time stamps have an offset per pair of addresses, as everywhere; every connection stays in
 * TIME_WAIT at the server as long as it should.
 */
export async function churn(lab: Lab, { url, seconds }: ChurnOptions): Promise<Churn> {
  await lab.run('server1', ['sysctl', '-qw', 'net.ipv4.tcp_max_tw_buckets=1000000']);
  const runs = await Promise.all(
    CLIENTS.map(async ({ role, first, timestamps }) => {
      await lab.run(role, ['sysctl', '-qw', `net.ipv4.tcp_timestamps=${timestamps}`]);
      return { role, many: await startManyClients(lab, role, { first, count: ADDRESSES_EACH }) };
    }),
  );
  try {
    const { result, changes } = await countersDuring(lab.namespace('server1'), () =>
      Promise.all(
        runs.map(({ role, many }) =>
          countersDuring(lab.namespace(role), async () => {
            const argv = many.within(wrkArgv(url, { seconds, keepAlive: false }));
            return parseWrk((await lab.run(role, argv)).stdout);
          }),
        ),
      ),
    );
    const sum = (of: (one: (typeof result)[number]) => number) =>
      result.reduce((total, one) => total + of(one), 0);
    return {
      seconds: Math.max(...result.map((one) => one.result.seconds)),
      connections: sum((one) => one.result.requests),
      errors: sum((one) => one.result.errors),
      synRetransmits: sum((one) => Number(one.changes.get('TcpExtTCPSynRetrans') ?? 0n)),
      server: Object.fromEntries(
        SERVER_COUNTERS.map((name) => [name, Number(changes.get(`TcpExt${name}`) ?? 0n)]),
      ) as Record<ServerCounter, number>,
    };
  } finally {
    await Promise.all(runs.map(({ many }) => many.close()));
  }
}
