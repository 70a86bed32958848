/** The other order: a balanced connection has the port that a direct one wants. */

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

export const vipFirst = collisionCase(
  'vip-first',
  'A direct connection from a port that a balanced one holds works beside it; under drop it fails.',
  async (setting) => {
    const { servers, check } = setting;
    const port = await freePorts(setting);
    const first = await open(setting, 'balanced', LISTENER, port);
    const line = await checkTrue(setting, 'balanced first', first);
    const own = servers.find((role) => line.startsWith(`${role} `));
    if (own === undefined) return check('a server of the lab answered', false);

    for (const role of servers.filter((each) => each !== own)) {
      const elsewhere = await open(setting, `direct to ${role}`, directTo(role), port);
      await checkTrue(setting, 'direct to another server', elsewhere);
    }
    const second = await openSecond(setting, directTo(own), port);
    await checkSecond(setting, 'direct', second);
    await checkTrue(setting, 'balanced again', first);
    if (second.ok) await checkSecond(setting, 'direct', second);
    await checkListed(setting, { subject: 'direct', owner: 'balanced' }, port);
  },
);
