/**
 * The report's case: a direct connection holds source port 21521 while the same
 * client uses that port towards the listener. Once under `drop`, once under `remap`.
 */

import type { CollisionRow } from '../../control/api/rows.ts';
import type { Attempt } from '../../diagnose/probe/probe.ts';
import { getJson } from '../daemons.ts';
import type { Lab } from '../lab.ts';
import { socketFile } from '../paths.ts';
import { CLIENT2_ADDRESS, CLIENT_ADDRESS } from '../topology.ts';
import { expecting, type Expectation } from './expectation.ts';
import { follow, watchHandshakes, type Sighting } from './handshakes.ts';
import { LISTENER, SERVER } from './one-connection.ts';
import { probeFrom, visit, type Visitor } from './visit.ts';

/** The report's port, and the two that its client used directly before and after. */
export const HELD_PORT = 21521;
const DIRECT_PORTS = { before: 46690, after: 46696 } as const;
/** The second SYN, after 1 s, has time to be answered. */
export const PROBE = { ports: '21519-21523', intervalMs: 100, timeoutMs: 1_500 } as const;
const PROBED_PORTS = 5;

export type Told = { onAttempt: (attempt: Attempt) => void };

/** The direct connection of the case: open, and of use, from here on. */
export type Case = { direct: Visitor; line: string };

export type Dropped = {
  attempts: readonly Attempt[];
  otherClient: readonly Attempt[];
  /** The same three connections as in the report, at each point. */
  walks: readonly { name: string; sightings: readonly Sighting[] }[];
  collisions: readonly CollisionRow[];
  expectations: readonly Expectation[];
};

export type Remapped = {
  attempts: readonly Attempt[];
  /** What the server says on the direct and on the balanced connection, both open. */
  directLine: string;
  balancedLine: string;
  sightings: readonly Sighting[];
  collisions: readonly CollisionRow[];
  expectations: readonly Expectation[];
};

export async function openCase(lab: Lab): Promise<Case> {
  const direct = await visit(lab, 'client', {
    ...{ target: SERVER, local: CLIENT_ADDRESS, port: HELD_PORT },
  });
  return { direct, line: await direct.ask() };
}

export async function caseUnderDrop(
  lab: Lab,
  { direct }: Case,
  { onAttempt }: Told,
): Promise<Dropped> {
  const start = await collisionsOf(lab);
  const { result, segments } = await watchHandshakes(lab.options.instance, async () => {
    const before = await directLine(lab, DIRECT_PORTS.before);
    const probe = { target: LISTENER, ...PROBE };
    const attempts = await probeFrom(lab, 'client', probe, onAttempt);
    const after = await directLine(lab, DIRECT_PORTS.after);
    const same = { ...probe, ports: String(HELD_PORT) };
    const otherClient = await probeFrom(lab, 'client2', same, () => {});
    return { before, attempts, after, otherClient };
  });
  const { before, attempts, after, otherClient } = result;
  const held = follow(segments, clientAt(HELD_PORT), LISTENER);
  const seen = (at: number) => held[at]?.syns.length ?? 0;
  const collisions = (await collisionsOf(lab)).slice(start.length);
  return {
    attempts,
    otherClient,
    walks: [
      {
        name: `${DIRECT_PORTS.before} direct`,
        sightings: follow(segments, clientAt(DIRECT_PORTS.before), SERVER),
      },
      { name: `${HELD_PORT} balanced`, sightings: held },
      {
        name: `${DIRECT_PORTS.after} direct`,
        sightings: follow(segments, clientAt(DIRECT_PORTS.after), SERVER),
      },
    ],
    collisions,
    expectations: [
      expecting(
        `${HELD_PORT} is filtered, the other ${attempts.length - 1} source ports are open`,
        attempts.length === PROBED_PORTS &&
          attempts.every(({ outcome, source }) =>
            source?.port === HELD_PORT ? outcome.state === 'filtered' : outcome.state === 'open',
          ),
      ),
      expecting(
        `the other client, ${CLIENT2_ADDRESS}, is served from the same port`,
        otherClient.length === 1 && otherClient[0]?.outcome.state === 'open',
      ),
      expecting(
        `directly the same client is served: ports ${HELD_PORT}, ${DIRECT_PORTS.before}, ${DIRECT_PORTS.after}`,
        before === serverLine(DIRECT_PORTS.before) &&
          after === serverLine(DIRECT_PORTS.after) &&
          (await direct.ask()) === serverLine(HELD_PORT),
      ),
      expecting(
        `the SYN was sent ${seen(0)} times, seen ${seen(1)} times at host-nic, ${seen(2)} times at host-vnic`,
        seen(0) > 0 && seen(1) === seen(0) && seen(2) === 0 && seen(3) === 0,
      ),
      expecting(
        `the agent names the cause: ${collisions.length} collisions, dropped`,
        collisions.length > 0 &&
          collisions.every(
            ({ action, client, owner }) =>
              action === 'dropped' && client === clientAt(HELD_PORT) && owner.startsWith(client),
          ),
      ),
    ],
  };
}

export async function caseUnderRemap(
  lab: Lab,
  { direct }: Case,
  { onAttempt }: Told,
): Promise<Remapped> {
  const attempts = await probeFrom(lab, 'client', { target: LISTENER, ...PROBE }, onAttempt);
  const { result, segments } = await watchHandshakes(lab.options.instance, async () => {
    const balanced = await visit(lab, 'client', {
      ...{ target: LISTENER, local: CLIENT_ADDRESS, port: HELD_PORT },
    });
    const balancedLine = await balanced.ask();
    const line = await direct.ask();
    const again = await balanced.ask();
    await balanced.close();
    return { balancedLine, line, again };
  });
  const { balancedLine, line, again } = result;
  const collisions = await collisionsOf(lab);
  const last = collisions.at(-1);
  return {
    attempts,
    directLine: line,
    balancedLine,
    sightings: follow(segments, clientAt(HELD_PORT), LISTENER),
    collisions,
    expectations: [
      expecting(
        `all ${attempts.length} source ports are open`,
        attempts.length === PROBED_PORTS &&
          attempts.every(({ outcome }) => outcome.state === 'open' && !outcome.late),
      ),
      expecting(
        `two connections from ${clientAt(HELD_PORT)} at once; the server says on the direct one: ${line}`,
        line === serverLine(HELD_PORT),
      ),
      expecting(
        `and on the balanced one: ${balancedLine}, the client's address, another port`,
        balancedLine.startsWith(`server1 ${CLIENT_ADDRESS}:`) &&
          balancedLine !== line &&
          again === balancedLine,
      ),
      expecting(
        'the collision is listed with both connections',
        last?.action === 'remapped' &&
          last.client === clientAt(HELD_PORT) &&
          last.owner === `${clientAt(HELD_PORT)} -> ${SERVER}` &&
          last.subject.startsWith('10.0.124.') &&
          balancedLine.endsWith(`:${last.visiblePort}`),
      ),
    ],
  };
}

/** One direct connection from a port of its own; the server's line. */
async function directLine(lab: Lab, port: number): Promise<string> {
  const visitor = await visit(lab, 'client', { target: SERVER, local: CLIENT_ADDRESS, port });
  const line = await visitor.ask();
  await visitor.close();
  return line;
}

async function collisionsOf(lab: Lab): Promise<CollisionRow[]> {
  const rows = await getJson(socketFile(lab.options.instance, 'agent'), '/v1/collisions');
  return Array.isArray(rows) ? (rows as CollisionRow[]) : [];
}

const clientAt = (port: number) => `${CLIENT_ADDRESS}:${port}`;
const serverLine = (port: number) => `server1 ${clientAt(port)}`;
