/** The unix socket of a daemon: one daemon per instance and role answers on it. */
import { chmodSync, chownSync, mkdirSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Role } from '../../datapath/binding/pins.ts';
import { makeRunRoot, runRoot, surroundings } from './run-root.ts';

const SOCKET_MODE = 0o660;
const DIRECTORY_MODE = 0o755;
/** A daemon that is alive accepts at once; its kernel does it for it. */
const ANSWER_TIMEOUT_MS = 1_000;
/** Who sends a request bit by bit holds nobody up for longer. */
export const SERVER_LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  maxHeaderSize: 16_384,
} as const;
const GROUP = 'fullnat';

/** Another daemon of this instance and role is running. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
}

export function socketPath(instance: string, role: Role): string {
  return `${runRoot(surroundings())}/${instance}/${role}.sock`;
}

/** Whether somebody listens on it; a socket left by a daemon that was killed is not answered. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => done(true));
    socket.once('connect', () => done(true));
    /* EAGAIN: its queue of connections is full, so it is there */
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'EAGAIN'));
  });
}

/**
 * Takes the role's socket for as long as the daemon lives; what a killed daemon left
 * behind is replaced. Requests wait until there is an app to answer them.
 */
export async function listen(
  app: Promise<Pick<Hono, 'fetch'>>,
  instance: string,
  role: Role,
): Promise<Server> {
  makeRunRoot(surroundings());
  const path = socketPath(instance, role);
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
  if (await isAnswered(path))
    throw new AlreadyRunningError(
      `the ${role} of instance ${instance} is running already: it answers on ${path}; stop it, or choose another --instance`,
    );
  removeSocket(instance, role);
  const fetch = async (request: Request, env: object) => (await app).fetch(request, env);
  const server = createAdaptorServer({ fetch, serverOptions: SERVER_LIMITS }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  giveToGroup(path);
  chmodSync(path, SOCKET_MODE);
  return server;
}

/** Its members ask without being root; where there is no such group, root alone does. */
function giveToGroup(path: string): void {
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${GROUP}:`));
  const gid = Number(line?.split(':')[2] ?? Number.NaN);
  if (Number.isInteger(gid) && process.getuid?.() === 0) chownSync(path, 0, gid);
}

/** Ends open connections too: a client that watches must not keep the daemon alive. */
export async function close(server: Server, instance: string, role: Role): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  removeSocket(instance, role);
  removeRunDirectory(instance);
}

/** Returns whether there was one. Only when nobody answers on it. */
export function removeSocket(instance: string, role: Role): boolean {
  try {
    unlinkSync(socketPath(instance, role));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Unless somebody keeps files there. */
export function removeRunDirectory(instance: string): void {
  try {
    rmdirSync(dirname(socketPath(instance, 'balancer')));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY') throw error;
  }
}
