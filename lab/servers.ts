/** The lab's real servers: one nginx per server namespace, each with its own folder. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { inServersCgroup } from './cgroups.ts';
import { run } from './namespaces.ts';
import { runFolder } from './paths.ts';
import type { ServerRole } from './topology.ts';
import { SERVER_ADDRESSES, SERVER_PORT, namespaceName } from './topology.ts';

export type ServerOptions = { closeFirst: boolean };

/** The configuration of one server: any request is answered with its name and the peer. */
export function nginxConfig(role: ServerRole, folder: string, options: ServerOptions): string {
  return `# ${role} of the lab: any GET is answered with one line, the server's name and its peer.
worker_processes 1;
worker_rlimit_nofile 65536;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events {
  worker_connections 32768;
}
http {
  access_log off;
  default_type text/plain;
  keepalive_timeout ${options.closeFirst ? 0 : 75};
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen ${SERVER_ADDRESSES[role]}:${SERVER_PORT} backlog=16384;
    return 200 "${role} $remote_addr:$remote_port\\n";
  }
}
`;
}

/** Starts a server; it accepts connections when this returns. */
export async function startServer(
  instance: string,
  role: ServerRole,
  options: ServerOptions,
): Promise<void> {
  const folder = serverFolder(instance, role);
  mkdirSync(folder, { recursive: true });
  const config = `${folder}/nginx.conf`;
  writeFileSync(config, nginxConfig(role, folder, options));
  await run(namespaceName(instance, role), inServersCgroup(instance, nginx(folder)));
}

/** Stops a server as if its service had been stopped: its port answers RST afterwards. */
export async function stopServer(instance: string, role: ServerRole): Promise<void> {
  const folder = serverFolder(instance, role);
  await run(namespaceName(instance, role), [...nginx(folder), '-s', 'stop']);
}

/** The pid of the server's master process, undefined when it does not run. */
export function serverPid(instance: string, role: ServerRole): number | undefined {
  return livePid(`${serverFolder(instance, role)}/nginx.pid`);
}

/** Whether the server answers inside its own namespace, past every other part of the lab. */
export async function serverAnswers(instance: string, role: ServerRole): Promise<boolean> {
  const url = `http://${SERVER_ADDRESSES[role]}:${SERVER_PORT}/`;
  const answer = await run(namespaceName(instance, role), ['curl', '-sm1', url], { accept: 'any' });
  return answer.code === 0 && answer.stdout.startsWith(`${role} `);
}

/** The pid in a file when that process is alive. */
export function livePid(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  return Number.isInteger(pid) && pid > 0 && existsSync(`/proc/${pid}/exe`) ? pid : undefined;
}

const serverFolder = (instance: string, role: ServerRole) => `${runFolder(instance)}/${role}`;

// -e: without it nginx first opens the distribution's own log.
const nginx = (folder: string) => [
  'nginx',
  '-p',
  folder,
  '-c',
  `${folder}/nginx.conf`,
  '-e',
  `${folder}/error.log`,
];
