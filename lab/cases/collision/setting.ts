/**
 * What the collision cases share: a client told step by step, ports that nobody
 * has used lately, and what the server must see of the connection that came second.
 */

import type {
  AgentSessionRow,
  BalancerSessionRow,
  CollisionRow,
} from '../../../control/api/rows.ts';
import { collisions, list } from '../../answers.ts';
import { countersDuring } from '../../counters.ts';
import type { Lab } from '../../lab.ts';
import type { CollisionPolicy } from '../../options.ts';
import { waitUntil } from '../../process.ts';
import { type Attempt, type Client, type Connection, withClient } from '../../scripted.ts';
import {
  CLIENT_ADDRESS,
  SERVER_ADDRESSES,
  SERVER_PORT,
  type ServerRole,
  VIRTUAL_ADDRESS,
  VIRTUAL_PORT,
  serversOf,
} from '../../topology.ts';
import { judge, type CaseResult, type LabCase } from '../case.ts';

/** What is done about collisions; 'none': in socket mode there are none. */
export type Policy = CollisionPolicy | 'none';

export type Setting = {
  lab: Lab;
  client: Client;
  policy: Policy;
  servers: readonly ServerRole[];
  /** Notes a fact, and whether it is as it must be. */
  check: (fact: string, isRight: boolean) => void;
};

/** A case may find that the lab lacks what it is about. */
export type NotHere = Extract<CaseResult, { kind: 'not-here' }>;

export type Kind = 'balanced' | 'direct';

export const LISTENER = `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`;
export const directTo = (role: ServerRole) => `${SERVER_ADDRESSES[role]}:${SERVER_PORT}`;
export const SLOW_MS = 900;

/** Below Linux's ephemeral range, above the agent's remap range. */
const PORTS = { low: 20_000, high: 32_000 };
const REMAP = { low: 10_000, high: 19_999 };
const DROP_TIMEOUT_MS = 1_500;
const EVENT_TIMEOUT_MS = 3_000;

/** A case in which no connect needs a second SYN, unless the policy is to drop it. */
export function collisionCase(
  name: string,
  sentence: string,
  run: (setting: Setting) => Promise<void | NotHere>,
): LabCase {
  return {
    name,
    sentence,
    run: async (lab) => {
      if (!lab.options.daemons) {
        return { kind: 'not-here', because: 'the lab was built with --no-daemons' };
      }
      const facts: string[] = [];
      const wrong: string[] = [];
      const check = (fact: string, isRight: boolean) => {
        facts.push(fact);
        if (!isRight) wrong.push(fact);
      };
      const policy = lab.options.agentMode === 'socket' ? 'none' : lab.options.onCollision;
      const servers = serversOf(lab.options.servers);
      const { result, changes } = await countersDuring(lab.namespace('client'), () =>
        withClient(lab, 'client', (client) => run({ lab, client, policy, servers, check })),
      );
      if (result !== undefined) return result;
      const again = changes.get('TcpExtTCPSynRetrans') ?? 0n;
      if (policy !== 'drop') check(`${again} SYNs sent again`, again === 0n);
      return judge(facts, wrong);
    },
  };
}

/** The lowest of `count` neighbouring ports of the client that no session has, live or resting. */
export async function freePorts({ lab }: Pick<Setting, 'lab'>, count = 1): Promise<number> {
  const { instance, agentMode } = lab.options;
  const limit = 'limit=2000';
  const [agent, balancer] = await Promise.all([
    agentMode === 'socket' ? [] : list<AgentSessionRow>(instance, 'agent', `sessions?${limit}`),
    list<BalancerSessionRow>(instance, 'balancer', `sessions?${limit}`),
  ]);
  const ends = [
    ...agent.flatMap((row) => [row.peer, row.visible]),
    ...balancer.map((r) => r.client),
  ];
  const used = new Set(ends.map((end) => Number(end.split(':')[1])));
  const isFree = (low: number) =>
    Array.from({ length: count }, (_, i) => low + i).every((p) => !used.has(p));
  for (;;) {
    const low = PORTS.low + Math.floor(Math.random() * (PORTS.high - PORTS.low - count));
    if (isFree(low)) return low;
  }
}

/** Opens one that nothing stands in the way of; undefined when that fails, which is noted. */
export async function open(
  { client, check }: Pick<Setting, 'client' | 'check'>,
  what: string,
  target: string,
  port: number,
): Promise<Connection | undefined> {
  const attempt = await client.connect(target, port);
  if (attempt.ok && attempt.tookMs < SLOW_MS) return attempt.connection;
  const how = attempt.ok ? `took ${Math.round(attempt.tookMs)} ms` : attempt.error;
  check(`${what}: ${how}`, false);
  return attempt.ok ? attempt.connection : undefined;
}

/** Asks a connection, and notes whether the server sees exactly the client. */
export async function checkTrue(
  { check }: Pick<Setting, 'check'>,
  what: string,
  connection: Connection | undefined,
): Promise<string> {
  const line = (await connection?.ask()) ?? 'not open';
  check(`${what}: ${line}`, line.endsWith(` ${connection?.local}`));
  return line;
}

/** Opens the connection whose tuple another one owns. */
export function openSecond(
  { client, policy }: Pick<Setting, 'client' | 'policy'>,
  target: string,
  port: number,
): Promise<Attempt> {
  return client.connect(target, port, policy === 'drop' ? DROP_TIMEOUT_MS : undefined);
}

/** Notes what became of it: by policy it is remapped, keeps its local, or fails. */
export async function checkSecond(
  { policy, check }: Pick<Setting, 'policy' | 'check'>,
  kind: Kind,
  attempt: Attempt,
): Promise<string> {
  if (policy === 'drop' || !attempt.ok) {
    const outcome = attempt.ok ? 'connected' : attempt.error;
    check(`${kind} second: ${outcome}`, policy === 'drop' && outcome === 'TIMEOUT');
    return outcome;
  }
  const line = await attempt.connection.ask();
  const { local } = attempt.connection;
  const isRight = isSecond(policy, kind, { line, local }) && attempt.tookMs < SLOW_MS;
  check(`${kind} second: ${line} after ${attempt.tookMs.toFixed(1)} ms`, isRight);
  return line;
}

/** Whether the server sees of the second connection what the policy says. */
export function isSecond(
  policy: Policy,
  kind: Kind,
  { line, local }: { line: string; local: string },
): boolean {
  if (policy === 'none') return line.endsWith(` ${local}`);
  const [, address, port] = /^server\d (\S+):(\d+)$/.exec(line) ?? [];
  if (address === undefined) return false;
  // A direct connection has no local that it could keep.
  if (policy === 'local' && kind === 'balanced') return address.startsWith('10.0.124.');
  return address === CLIENT_ADDRESS && Number(port) >= REMAP.low && Number(port) <= REMAP.high;
}

/** Notes whether the agent lists the collision, if there can be one, with both connections. */
export async function checkListed(
  { lab, policy, check }: Pick<Setting, 'lab' | 'policy' | 'check'>,
  kinds: { subject: Kind; owner: Kind },
  port: number,
): Promise<void> {
  const client = `${CLIENT_ADDRESS}:${port}`;
  if (policy === 'none') return;
  let found: CollisionRow | undefined;
  await waitUntil(
    async () => {
      const rows = await collisions(lab.options.instance);
      found = rows.findLast((row) => row.client === client);
      return found !== undefined;
    },
    { timeoutMs: EVENT_TIMEOUT_MS, everyMs: 50 },
  );
  if (found === undefined) return check(`no collision of ${client} is listed`, false);
  const { subject, owner, action, server } = found;
  const isOf = (kind: Kind, flow: string) =>
    flow.endsWith(` -> ${server}`) &&
    (kind === 'direct' ? flow.startsWith(`${client} `) : flow.startsWith('10.0.124.'));
  check(
    `listed: ${subject} wanted ${client}, which ${owner} had: ${action}`,
    isOf(kinds.subject, subject) &&
      isOf(kinds.owner, owner) &&
      action === actionOf(policy, kinds.subject),
  );
}

function actionOf(policy: CollisionPolicy, subject: Kind): CollisionRow['action'] {
  if (policy === 'drop') return 'dropped';
  return policy === 'local' && subject === 'balanced' ? 'kept-local' : 'remapped';
}
