/** The main job: a balanced connection reaches a server that sees the client as it is. */

import { CLIENT2_ADDRESS, CLIENT_ADDRESS, VIRTUAL_ADDRESS, VIRTUAL_PORT } from '../topology.ts';
import { openConnections } from '../traffic.ts';
import { judge, type LabCase } from './case.ts';

const COUNT = 50;

export const balancedConnection: LabCase = {
  name: 'balanced',
  sentence: 'Balanced connections are answered, and the server sees the true address and port.',
  run: async (lab) => {
    if (!lab.options.daemons) {
      return { kind: 'not-here', because: 'the lab was built with --no-daemons' };
    }
    const clients = [
      { role: 'client', local: CLIENT_ADDRESS },
      { role: 'client2', local: CLIENT2_ADDRESS },
    ] as const;
    const results = await Promise.all(
      clients.map(({ role, local }) =>
        openConnections(lab, role, {
          ...{ target: `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`, local, count: COUNT },
          ...{ perSecond: 100, expect: 'peer' },
        }),
      ),
    );
    return judge(
      results.map(({ answered, answers }, i) => {
        const shares = Object.entries(answers).map(([server, count]) => `${server} ${count}`);
        return `${clients[i]?.role}: ${answered} of ${COUNT} answered (${shares.join(', ')})`;
      }),
      results.flatMap((result) => [
        ...Object.entries(result.failuresByCode).map(([code, n]) => `${n} failed with ${code}`),
        ...result.wrongAnswers.map(({ port, line }) => `from port ${port}: ${line}`),
        ...(result.slow > 0 ? [`${result.slow} needed a second SYN`] : []),
      ]),
    );
  },
};
