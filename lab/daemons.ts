/** Balancer and agent of a lab: started in their namespaces, waited for, looked at. */

import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { resolve } from 'node:path';
import { CONTINUE_HEADER, TOTAL_HEADER } from '../control/api/app.ts';
import { agentConfig, balancerConfig } from './config.ts';
import { spawn } from './namespaces.ts';
import type { LabOptions } from './options.ts';
import type { DaemonName } from './paths.ts';
import { configFile, logFile, pidFile, socketFile, stateFolder } from './paths.ts';
import { LabError, waitUntil } from './process.ts';
import { livePid } from './servers.ts';
import type { Role } from './topology.ts';
import { namespaceName } from './topology.ts';

export type DaemonStatus = {
  name: DaemonName;
  /** Undefined when it does not run. */
  pid: number | undefined;
  socket: string;
  answers: boolean;
};

export const DAEMONS: readonly DaemonName[] = ['balancer', 'agent'];

const ROLE_OF: Readonly<Record<DaemonName, Role>> = { balancer: 'balancer', agent: 'host' };

// Loading and verifying the programs takes most of it, on a machine shared with tests.
const READY_TIMEOUT_MS = 15_000;
const MAIN = resolve(import.meta.dirname, '../cli/main.js');

/** Writes both configurations, starts both daemons, returns when both answer. */
export async function startDaemons(options: LabOptions): Promise<void> {
  const { instance } = options;
  if (options.config === undefined) {
    writeFileSync(configFile(instance, 'balancer'), balancerConfig(options));
  }
  writeFileSync(configFile(instance, 'agent'), agentConfig(options));
  // Side by side: loading and verifying the programs is nearly all of it.
  const configs = {
    agent: configFile(instance, 'agent'),
    balancer: options.config ?? configFile(instance, 'balancer'),
  };
  await Promise.all(DAEMONS.map((name) => startDaemon(instance, name, configs[name])));
  await waitForBackends(instance);
}

/** Starts one daemon, also again after it was killed, also `under` another program; returns when its socket answers. */
export async function startDaemon(
  instance: string,
  name: DaemonName,
  config: string,
  main: string = MAIN,
  under: readonly string[] = [],
): Promise<number> {
  const log = openSync(logFile(instance, name), 'a');
  const child = spawn(
    namespaceName(instance, ROLE_OF[name]),
    // Whatever the file says: the lab's sockets and pins carry its name.
    [...under, process.execPath, main, name, '-c', config, '--instance', instance],
    {
      ...{ stdio: ['ignore', log, log], detached: true },
      env: { ...process.env, STATE_DIRECTORY: stateFolder(instance) },
    },
  );
  closeSync(log);
  child.unref();
  let exited = false;
  child.once('exit', () => (exited = true));
  child.once('error', () => (exited = true));
  const ready = await waitUntil(
    async () => exited || (await socketAnswers(socketFile(instance, name))),
    { timeoutMs: READY_TIMEOUT_MS, everyMs: 25 },
  );
  if (exited || !ready || child.pid === undefined) {
    const what = exited ? 'ended at once' : `did not answer within ${READY_TIMEOUT_MS / 1000} s`;
    throw new LabError('LAB_NOT_READY', `${name} ${what}; its log:\n${lastLines(instance, name)}`);
  }
  writeFileSync(pidFile(instance, name), `${child.pid}\n`);
  return child.pid;
}

export async function daemonStatus(instance: string, name: DaemonName): Promise<DaemonStatus> {
  const socket = socketFile(instance, name);
  const pid = livePid(pidFile(instance, name));
  return { name, pid, socket, answers: await socketAnswers(socket) };
}

/** GET over a unix socket: the JSON answer, undefined when there is none. */
export async function getJson(socketPath: string, path: string): Promise<unknown> {
  return (await getAnswer(socketPath, path)).body;
}

/** A list, page by page to its end; undefined when there is no answer. */
export async function getRows(
  socketPath: string,
  resource: string,
): Promise<unknown[] | undefined> {
  const rows: unknown[] = [];
  const separator = resource.includes('?') ? '&' : '?';
  let path = `/v1/${resource}`;
  for (;;) {
    const { body, next } = await getAnswer(socketPath, path);
    if (!Array.isArray(body)) return undefined;
    rows.push(...(body as unknown[]));
    if (next === undefined) return rows;
    path = `/v1/${resource}${separator}continue=${next}`;
  }
}

/** How many rows of a list there are, whoever shows them. */
export async function countRows(socketPath: string, resource: string): Promise<number | undefined> {
  return (await getAnswer(socketPath, `/v1/${resource}`)).total;
}

type Answer = { body: unknown; total?: number; next: string | undefined };

function getAnswer(socketPath: string, path: string): Promise<Answer> {
  return new Promise((done) => {
    const nothing = () => done({ body: undefined, next: undefined });
    const call = request({ socketPath, path, timeout: 1_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', nothing);
      response.on('end', () => {
        const next = response.headers[CONTINUE_HEADER];
        const total = Number(response.headers[TOTAL_HEADER]);
        try {
          const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
          done({ body, total, next: typeof next === 'string' ? next : undefined });
        } catch {
          nothing();
        }
      });
    });
    call.on('timeout', () => call.destroy());
    call.on('error', nothing);
    call.end();
  });
}

async function socketAnswers(socketPath: string): Promise<boolean> {
  return (await getJson(socketPath, '/v1/drops')) !== undefined;
}

/** Waits for the first health checks, so that the first connection finds a backend. */
async function waitForBackends(instance: string): Promise<void> {
  const checked = await waitUntil(
    async () => {
      const backends = await getJson(socketFile(instance, 'balancer'), '/v1/backends');
      return (
        Array.isArray(backends) &&
        backends.every((backend: { state?: unknown }) => backend.state !== 'checking')
      );
    },
    { timeoutMs: READY_TIMEOUT_MS, everyMs: 25 },
  );
  if (!checked) {
    throw new LabError(
      'LAB_NOT_READY',
      `the balancer did not finish its first health checks; its log:\n${lastLines(instance, 'balancer')}`,
    );
  }
}

function lastLines(instance: string, name: DaemonName): string {
  const lines = readFileSync(logFile(instance, name), 'utf8').trimEnd().split('\n');
  return lines.slice(-10).join('\n');
}
