/** The tuple belongs to a connection that has ended: the server keeps it in TIME_WAIT. */

import {
  LISTENER,
  type Setting,
  checkListed,
  checkSecond,
  checkTrue,
  collisionCase,
  directTo,
  freePorts,
  open,
  openSecond,
} from './setting.ts';
import type { ServerRole } from '../../topology.ts';

export const directResting = collisionCase(
  'direct-resting',
  'A balanced connection from a port whose direct connections rest in TIME_WAIT works, and they can come back.',
  async (setting) => {
    const port = await freePorts(setting);
    for (const role of setting.servers) {
      const direct = await open(setting, `direct to ${role}`, directTo(role), port);
      setting.check(`direct, closed: ${await direct?.askLast()}`, direct !== undefined);
      await checkResting(setting, role, port);
    }
    const second = await openSecond(setting, LISTENER, port);
    await checkSecond(setting, 'balanced', second);
    await checkListed(setting, { subject: 'balanced', owner: 'direct' }, port);
    for (const role of setting.servers) {
      const back = await open(setting, `direct to ${role} again`, directTo(role), port);
      await checkTrue(setting, 'direct again', back);
    }
    if (second.ok) await checkSecond(setting, 'balanced', second);
  },
);

export const balancedResting = collisionCase(
  'vip-resting',
  'A direct connection from a port whose balanced connection rests in TIME_WAIT works, and that can come back.',
  async (setting) => {
    const { servers, check } = setting;
    const port = await freePorts(setting);
    const first = await open(setting, 'balanced', LISTENER, port);
    const line = (await first?.askLast()) ?? 'not open';
    const own = servers.find((role) => line.startsWith(`${role} `));
    check(`balanced, closed: ${line}`, own !== undefined);
    if (own === undefined) return;
    // In socket mode the server's own kernel has the local in TIME_WAIT, not the client.
    if (setting.policy !== 'none') await checkResting(setting, own, port);
    const second = await openSecond(setting, directTo(own), port);
    await checkSecond(setting, 'direct', second);
    await checkListed(setting, { subject: 'direct', owner: 'balanced' }, port);
    const back = await open(setting, 'balanced again', LISTENER, port);
    await checkTrue(setting, 'balanced again', back);
    if (second.ok) await checkSecond(setting, 'direct', second);
  },
);

async function checkResting({ lab, check }: Setting, role: ServerRole, port: number) {
  const filter = ['state', 'time-wait', `( dport = :${port} )`];
  const { stdout } = await lab.run(role, ['ss', '-Htn', ...filter]);
  check(`${role} has it in TIME_WAIT`, stdout.includes(`:${port}`));
}
