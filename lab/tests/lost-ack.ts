/** A handshake whose ACK gets lost, so that the client's data completes it. */

import type { Lab } from '../lab.ts';

const LOSS_TABLE = 'first-ack';

/** Larger than one segment from the first byte on. */
export function largeRequest(listener: string): string[] {
  return [
    'curl',
    '-s',
    '--max-time',
    '5',
    '-H',
    `X-Pad: ${'a'.repeat(7000)}`,
    `http://${listener}/`,
  ];
}

/** The client's kernel sends the ACK of the handshake, and it gets lost. */
export async function withFirstAckLost<T>(
  lab: Lab,
  listener: string,
  action: () => Promise<T>,
): Promise<T> {
  const bareAck = `ip daddr ${listener.split(':')[0]} meta length 52`;
  const table = `table ip ${LOSS_TABLE}`;
  await lab.run('client', ['nft', `add ${table}`]);
  const hook = '{ type filter hook output priority 0; }';
  await lab.run('client', ['nft', `add chain ip ${LOSS_TABLE} out ${hook}`]);
  const once = 'limit rate 1/hour burst 1 packets drop';
  await lab.run('client', ['nft', `add rule ip ${LOSS_TABLE} out ${bareAck} ${once}`]);
  try {
    return await action();
  } finally {
    await lab.run('client', ['nft', `delete ${table}`]);
  }
}
