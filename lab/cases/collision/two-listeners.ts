/** Two listeners of one pool, used from one port: to the server both are the same tuple. */

import type { ListenerRow } from '../../../control/api/rows.ts';
import { list } from '../../answers.ts';
import {
  LISTENER,
  checkListed,
  checkSecond,
  checkTrue,
  collisionCase,
  freePorts,
  open,
  openSecond,
} from './setting.ts';

const TRIES = 10;

export const twoListeners = collisionCase(
  'two-listeners',
  'Connections from one port to two listeners of a pool work side by side; under drop the second fails.',
  async (setting) => {
    const { lab, check } = setting;
    const listeners = await list<ListenerRow>(lab.options.instance, 'balancer', 'listeners');
    const pool = listeners.find(({ address }) => address === LISTENER)?.pool;
    const other = listeners.find((row) => row.pool === pool && row.address !== LISTENER);
    if (other === undefined) {
      return { kind: 'not-here', because: `no other listener has the pool of ${LISTENER}` };
    }
    for (let tries = 0; tries < TRIES; tries += 1) {
      const port = await freePorts(setting);
      const first = await open(setting, 'balanced first', LISTENER, port);
      const line = await first?.ask();
      // Servers take turns: one connection between the two, every other try, puts them in step.
      if (tries % 2 === 1) await setting.client.connect(LISTENER);
      const second = await openSecond(setting, other.address, port);
      const secondLine = second.ok ? await second.connection.ask() : second.error;
      if (second.ok && secondLine === `${otherServer(line)} ${second.connection.local}`) continue;
      check(`${LISTENER}: ${line}`, line?.endsWith(` ${first?.local}`) === true);
      await checkSecond(setting, 'balanced', second);
      await checkTrue(setting, 'balanced first, again', first);
      await checkListed(setting, { subject: 'balanced', owner: 'balanced' }, port);
      return undefined;
    }
    check(`in ${TRIES} tries the two listeners never chose the same server`, false);
    return undefined;
  },
);

const otherServer = (line: string | undefined) =>
  line?.startsWith('server1 ') === true ? 'server2' : 'server1';
