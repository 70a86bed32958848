/** The same client comes back from the same port as soon as its connection has ended. */

import { LISTENER, type Setting, collisionCase, directTo, freePorts, open } from './setting.ts';

const ROUNDS = 5;

export const reconnect = collisionCase(
  'reconnect',
  'A client that comes back from the same port at once is served, balanced and direct, after FIN and after RST.',
  async (setting) => {
    const targets = [LISTENER, ...setting.servers.map(directTo)];
    for (const target of targets) {
      for (const end of ['fin', 'rst'] as const) await comeBack(setting, target, end);
    }
  },
);

async function comeBack(setting: Setting, target: string, end: 'fin' | 'rst'): Promise<void> {
  const port = await freePorts(setting);
  const lines: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const connection = await open(setting, `${target} after ${round} times ${end}`, target, port);
    if (connection === undefined) return;
    lines.push(await (end === 'fin' ? connection.askLast() : connection.ask()));
    if (end === 'rst') await connection.abort();
  }
  setting.check(
    `${target} ${lines.length} times, ended by ${end}: ${[...new Set(lines)].join(', ')}`,
    lines.every((line) => line.endsWith(` 10.0.88.100:${port}`)),
  );
}
