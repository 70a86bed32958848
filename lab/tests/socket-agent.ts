/** A second agent in socket mode beside a lab's own, and what it says; and programs on the lab's servers. */

import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ClientRow } from '../../control/api/rows.ts';
import { serversCgroup } from '../cgroups.ts';
import { EXCHANGE_SERVER_PORT, EXCHANGE_VIRTUAL_PORT } from '../config.ts';
import { daemonStatus, getJson } from '../daemons.ts';
import type { Lab } from '../lab.ts';
import { runFolder, socketFile } from '../paths.ts';
import { LabError, waitUntil } from '../process.ts';
import { CLIENT_ADDRESS, SERVER_ADDRESSES, VIRTUAL_ADDRESS } from '../topology.ts';
import type { Program } from './programs.ts';
import { list } from '../answers.ts';

const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
const ASKER = resolve(import.meta.dirname, '../tools/asker.js');
const READY_TIMEOUT_MS = 15_000;
const PATIENCE_MS = 2_000;

/** Why socket mode cannot be tried here. */
export const lacksCgroups =
  serversCgroup('any') === undefined ? 'needs the v2 cgroup hierarchy' : false;

export function clients(instance: string): Promise<ClientRow[]> {
  return list(instance, 'agent', 'clients');
}

type AgentOptions = {
  trustedLocals: readonly string[];
  servers?: readonly string[];
  /** 'root': it is left to the agent, which then takes the root of the hierarchy. */
  cgroup?: string | undefined;
  /** Runs it in surroundings of its own. */
  wrap?: readonly string[];
};

/** Runs an agent of an instance of its own in the lab's cgroup; nothing of it is left afterwards. */
export async function withSocketAgent<T>(
  lab: Lab,
  instance: string,
  {
    trustedLocals,
    servers = [],
    cgroup = serversCgroup(lab.options.instance),
    wrap = [],
  }: AgentOptions,
  action: () => Promise<T>,
): Promise<T> {
  const file = `${runFolder(lab.options.instance)}/${instance}.yaml`;
  const addresses = servers.map((address) => ({ address }));
  writeFileSync(
    file,
    JSON.stringify({
      ...{ instance, mode: 'socket', trustedLocals, servers: addresses },
      ...(cgroup === 'root' ? {} : { cgroup }),
    }),
  );
  const child = lab.spawn(
    'host',
    [...wrap, process.execPath, MAIN, 'agent', '-c', file, '--detach-on-exit'],
    { stdio: ['ignore', 'inherit', 'pipe'] },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'exit');
  try {
    const answers = async () =>
      child.exitCode !== null ||
      (await getJson(socketFile(instance, 'agent'), '/v1/info')) !== undefined;
    await waitUntil(answers, { timeoutMs: READY_TIMEOUT_MS });
    if (child.exitCode !== null) throw new LabError('LAB_NOT_READY', `agent ${instance}: ${said}`);
    return await action();
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

/** Ends a lab's agent; returns when it is gone. */
export async function endAgent(instance: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { pid } = await daemonStatus(instance, 'agent');
  if (pid !== undefined) process.kill(pid, signal);
  const isGone = async () => (await daemonStatus(instance, 'agent')).pid === undefined;
  if (!(await waitUntil(isGone, { timeoutMs: 5_000 })))
    throw new LabError('LAB_NOT_READY', `the agent of ${instance} does not end after ${signal}`);
}

/**
 * Starts a program on server1 and asks it over two connections that are open at once and have
 * the same client port, one direct and one balanced; returns every peer that it names.
 */
export async function peersSeenBy(lab: Lab, program: Program, port: number): Promise<string[]> {
  const folder = `${runFolder(lab.options.instance)}/program`;
  mkdirSync(folder);
  const child = lab.spawn('server1', await program.prepare(folder), {
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'exit');
  try {
    const listening = await waitUntil(
      async () => child.exitCode !== null || (await isListening(lab)),
      { timeoutMs: READY_TIMEOUT_MS, everyMs: 50 },
    );
    if (!listening || child.exitCode !== null)
      throw new LabError('LAB_NOT_READY', `${program.name} does not listen: ${log}`);
    const { stdout } = await lab.run('client', [
      ...[process.execPath, ASKER, '--local', CLIENT_ADDRESS, '--port', String(port)],
      ...[
        '--targets',
        `${SERVER_ADDRESSES.server1}:${EXCHANGE_SERVER_PORT}`.concat(
          `,${VIRTUAL_ADDRESS}:${EXCHANGE_VIRTUAL_PORT}`,
        ),
      ],
      ...['--request-base64', Buffer.from(program.request).toString('base64')],
      ...['--until', program.until.source],
    ]);
    const answers = JSON.parse(stdout) as string[];
    return await program.peers({ answers, folder, log: await settled(() => log) });
  } finally {
    child.kill('SIGTERM');
    // Some wait for their clients first.
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(late);
    rmSync(folder, { recursive: true });
  }
}

async function isListening(lab: Lab): Promise<boolean> {
  const argv = ['ss', '-Hltn', `sport = :${EXCHANGE_SERVER_PORT}`];
  const { stdout } = await lab.run('server1', argv);
  return stdout.trim() !== '';
}

/** What a program logs may come a moment after its answer. */
async function settled(read: () => string): Promise<string> {
  let before: string;
  do {
    before = read();
    await new Promise((done) => setTimeout(done, 100));
  } while (read() !== before);
  return before;
}
