/** Many collisions at once: each port is held direct while it is used towards the listener. */

import type { Connection } from '../../scripted.ts';
import {
  LISTENER,
  SLOW_MS,
  collisionCase,
  directTo,
  freePorts,
  isSecond,
  openSecond,
} from './setting.ts';

const COUNT = 400;
/** Opened at the same time. */
const GROUP = 50;

export const manyPorts = collisionCase(
  'many-ports',
  `Ports held direct, ${COUNT} of them, all work towards the listener, none with a second SYN; under drop none does.`,
  async (setting) => {
    const { client, servers, policy, check } = setting;
    const low = await freePorts(setting, COUNT);
    const ports = Array.from({ length: COUNT }, (_, i) => low + i);
    const held = await inGroups(
      ports.flatMap((port) => servers.map((role) => ({ port, role }))),
      ({ port, role }) => client.connect(directTo(role), port),
    );
    const direct = held.flatMap((attempt) => (attempt.ok ? [attempt.connection] : []));
    check(`${direct.length} direct connections`, direct.length === COUNT * servers.length);

    const seconds = await inGroups(ports, (port) => openSecond(setting, LISTENER, port));
    const balanced = seconds.flatMap((attempt) => (attempt.ok ? [attempt.connection] : []));
    const slow = seconds.filter((attempt) => attempt.ok && attempt.tookMs >= SLOW_MS);
    check(
      `${balanced.length} balanced connections`,
      balanced.length === (policy === 'drop' ? 0 : COUNT),
    );
    check(`${slow.length} took ${SLOW_MS} ms or more`, slow.length === 0);

    const lines = await inGroups(balanced, (each) => each.ask());
    const asPolicy = lines.filter((line, i) =>
      isSecond(policy, 'balanced', { line, local: balanced[i]?.local ?? '' }),
    );
    check(
      `${asPolicy.length} balanced are seen as ${policy} says`,
      asPolicy.length === lines.length,
    );
    const stillTrue = await inGroups(direct, isTrue);
    const trueCount = stillTrue.filter(Boolean).length;
    check(`${trueCount} direct are seen as they are`, trueCount === direct.length);
    const again = await inGroups(balanced, (each) => each.ask());
    check('the balanced ones answer as before', again.join() === lines.join());
    const tuples = new Set(lines).size;
    check(`${tuples} different tuples on the servers`, tuples === lines.length);
  },
);

const isTrue = async (each: Connection) => (await each.ask()).endsWith(` ${each.local}`);

async function inGroups<T, R>(all: readonly T[], action: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let first = 0; first < all.length; first += GROUP) {
    results.push(...(await Promise.all(all.slice(first, first + GROUP).map(action))));
  }
  return results;
}
