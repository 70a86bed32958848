/** The report's case: a direct connection has the port that a balanced one wants. */

import { withClient } from '../../scripted.ts';
import { CLIENT2_ADDRESS } from '../../topology.ts';
import type { Connection } from '../../scripted.ts';
import {
  LISTENER,
  checkListed,
  checkSecond,
  checkTrue,
  collisionCase,
  directTo,
  freePorts,
  open,
  openSecond,
} from './setting.ts';

export const directFirst = collisionCase(
  'direct-first',
  'A balanced connection from a port that direct ones hold works beside them; under drop it fails, and no other.',
  async (setting) => {
    const { lab, servers, check } = setting;
    const port = await freePorts(setting, 2);
    // To every server, so that it collides wherever the balancer sends it.
    const held: (Connection | undefined)[] = [];
    for (const role of servers) {
      const direct = await open(setting, `direct to ${role}`, directTo(role), port);
      held.push(direct);
      await checkTrue(setting, 'direct first', direct);
    }
    const second = await openSecond(setting, LISTENER, port);
    await checkSecond(setting, 'balanced', second);
    for (const direct of held) await checkTrue(setting, 'direct again', direct);
    if (second.ok) await checkSecond(setting, 'balanced', second);
    await checkListed(setting, { subject: 'balanced', owner: 'direct' }, port);

    const neighbour = await open(setting, 'another port', LISTENER, port + 1);
    await checkTrue(setting, 'balanced, another port', neighbour);
    await withClient(lab, 'client2', async (client) => {
      const other = await open({ client, check }, 'the other client', LISTENER, port);
      const line = await checkTrue(setting, 'balanced, the other client', other);
      check(`the other client is ${CLIENT2_ADDRESS}`, line.endsWith(` ${CLIENT2_ADDRESS}:${port}`));
    });
  },
);
