/** What the demo without rights runs on: a balancer with the portable engine, and two servers, on 127.0.0.0/8 with the report's last octets. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LabError, startProgram, waitUntil } from '../../process.ts';
import { startPortableServer, type PortableServer } from './server.ts';

export const CLIENT = '127.0.88.100';
export const CLIENT_PORT = 21_521;
export const LISTENER = { host: '127.0.23.111', port: 18_056 };
export const LOCALS = '127.0.124.160/28';
export const SERVER_HOSTS = ['127.0.98.79', '127.0.98.80'] as const;
export const SERVER_PORT = 8_056;

export type Setting = {
  readonly servers: readonly PortableServer[];
  /** As the daemon answers. */
  readonly get: (resource: string) => Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
};

const MAIN = resolve(import.meta.dirname, '../../../cli/main.js');
const READY_WITHIN_MS = 20_000;

const CONFIG = `engine: proxy
instance: portable
locals:
  - { addresses: ${LOCALS} }
listeners:
  - { address: ${LISTENER.host}:${LISTENER.port}, pool: web }
pools:
  - name: web
    proxyProtocol: v2
    health: { interval: 250ms, timeout: 200ms, rise: 1, fall: 2 }
    backends:
${SERVER_HOSTS.map((host) => `      - { address: ${host}:${SERVER_PORT} }`).join('\n')}
`;

/** Rejects with LabError when something of it cannot be had here. */
export async function openSetting(): Promise<Setting> {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-demo-'));
  const closing: (() => Promise<void> | void)[] = [
    () => rmSync(folder, { recursive: true, force: true }),
  ];
  const close = async () => {
    for (const one of closing.splice(0).toReversed()) await one();
  };
  try {
    const servers: PortableServer[] = [];
    for (const [i, host] of SERVER_HOSTS.entries()) {
      const server = await startPortableServer(`server${i + 1}`, host, SERVER_PORT);
      servers.push(server);
      closing.push(() => server.close());
    }
    const daemon = await startDaemon(folder);
    closing.push(() => daemon.stop());
    const socket = join(folder, 'run', 'portable', 'balancer.sock');
    return { servers, get: (resource) => ask(socket, resource), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startDaemon(folder: string) {
  const file = join(folder, 'balancer.yaml');
  writeFileSync(file, CONFIG);
  const [run, state] = [join(folder, 'run'), join(folder, 'state')];
  for (const one of [run, state]) mkdirSync(one, { mode: 0o700 });
  const child = startProgram([process.execPath, MAIN, 'balancer', '-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, RUNTIME_DIRECTORY: run, STATE_DIRECTORY: state },
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const isReady = () => said.includes('"msg":"ready"') || child.exitCode !== null;
  const inTime = await waitUntil(isReady, { timeoutMs: READY_WITHIN_MS });
  if (!inTime || child.exitCode !== null) {
    child.kill();
    throw new LabError('LAB_NOT_READY', `the balancer did not start:\n${said.trim()}`);
  }
  return {
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

function ask(socketPath: string, resource: string): Promise<Record<string, unknown>[]> {
  return new Promise((done, fail) => {
    const headers = { host: 'fullnat' };
    const asked = request({ socketPath, path: `/v1/${resource}`, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () =>
        done(JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>[]),
      );
    });
    asked.on('error', fail);
    asked.end();
  });
}
