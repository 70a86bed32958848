/** A server that is a client of its own listener, and may be sent to itself. */

import { type Connection, withClient } from '../../scripted.ts';
import { SERVER_ADDRESSES, type ServerRole } from '../../topology.ts';
import { LISTENER, type Setting, SLOW_MS, collisionCase } from './setting.ts';

const CONNECTIONS = 12;

export const ownListener = collisionCase(
  'own-listener',
  'A server that calls its own listener is served, also by itself: then it sees the balancer, else the truth.',
  async (setting) => {
    for (const role of setting.servers) await callOwn(setting, role);
  },
);

async function callOwn({ lab, servers, policy, check }: Setting, role: ServerRole): Promise<void> {
  await withClient(lab, role, async (client) => {
    const open: Connection[] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const attempt = await client.connect(LISTENER);
      if (attempt.ok && attempt.tookMs < SLOW_MS) open.push(attempt.connection);
      else check(`${role} ${attempt.ok ? `${attempt.tookMs} ms` : attempt.error}`, false);
    }
    const lines = await Promise.all(open.map((each) => each.ask()));
    const answering = new Set(lines.map((line) => line.split(' ')[0]));
    check(
      `${role} was answered by ${[...answering].join(', ')}`,
      answering.size === servers.length,
    );
    lines.forEach((line, i) => {
      // Packet mode cannot let it see itself; socket mode can.
      const isSelf = policy !== 'none' && line.startsWith(`${role} `);
      const wanted = isSelf ? `${role} 10.0.124.` : ` ${SERVER_ADDRESSES[role]}:`;
      const isRight = line.includes(wanted) && (isSelf || line.endsWith(` ${open[i]?.local}`));
      if (!isRight) check(`${role} from ${open[i]?.local}: ${line}`, false);
    });
    const again = await Promise.all(open.map((each) => each.ask()));
    check(`${role}: all ${open.length} answer again as before`, again.join() === lines.join());
  });
}
