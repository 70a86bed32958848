/** A direct connection that nothing collides with is not translated, not even its port. */

import { openConnections } from '../traffic.ts';
import { CLIENT_ADDRESS, SERVER_ADDRESSES, SERVER_PORT } from '../topology.ts';
import { judge, type LabCase } from './case.ts';

const COUNT = 100;

export const directSourcePort: LabCase = {
  name: 'direct-source-port',
  sentence: 'A direct connection keeps its source port: the server sees the client as it is.',
  run: async (lab) => {
    const result = await openConnections(lab, 'client', {
      target: `${SERVER_ADDRESSES.server1}:${SERVER_PORT}`,
      local: CLIENT_ADDRESS,
      ports: freshPorts(),
      count: COUNT,
      perSecond: 200,
      closer: 'server',
      expect: 'peer',
    });
    const codes = Object.entries(result.failuresByCode);
    return judge(
      [`${result.answered} of ${COUNT} answered, ${result.wrongAnswers.length} with another peer`],
      [
        ...codes.map(([code, count]) => `${count} failed with ${code}`),
        ...result.wrongAnswers.map(({ port, line }) => `from port ${port}: ${line}`),
      ],
    );
  },
};

/** Below the ephemeral range, and not those of a run a moment ago, which may still rest. */
function freshPorts(): string {
  const low = 20_000 + Math.floor(Math.random() * 100) * COUNT;
  return `${low}-${low + COUNT - 1}`;
}
