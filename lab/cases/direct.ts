/** Direct connections: the network of the lab does what it should with no balancer in the way. */

import { SERVER_ADDRESSES, SERVER_PORT, serversOf } from '../topology.ts';
import { judge, type LabCase } from './case.ts';

export const directConnection: LabCase = {
  name: 'direct',
  sentence: 'Both clients reach every server directly, and the server sees their address.',
  run: async (lab) => {
    const clients = [
      { role: 'client', address: '10.0.88.100' },
      { role: 'client2', address: '10.0.88.101' },
    ] as const;
    const wanted = clients.flatMap((client) =>
      serversOf(lab.options.servers).map((server) => ({ client, server })),
    );
    const lines = await Promise.all(
      wanted.map(async ({ client, server }) => {
        const url = `http://${SERVER_ADDRESSES[server]}:${SERVER_PORT}/`;
        const { stdout } = await lab.run(client.role, ['curl', '-sm3', url], { accept: 'any' });
        const isRight = stdout.startsWith(`${server} ${client.address}:`);
        const fact = `${client.role} → ${server}: ${stdout.trim() || 'no answer'}`;
        return { fact, isRight };
      }),
    );
    return judge(
      lines.map(({ fact }) => fact),
      lines.filter(({ isRight }) => !isRight).map(({ fact }) => fact),
    );
  },
};
