/** HAProxy and nginx as layer-4 proxies in the balancer's namespace, as well as they can be set up. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { EXCHANGE_SERVER_PORT, EXCHANGE_VIRTUAL_PORT } from '../config.ts';
import type { Lab } from '../lab.ts';
import { LIPS_MAX } from '../options.ts';
import { runFolder } from '../paths.ts';
import { SERVER_ADDRESSES, SERVER_PORT, VIRTUAL_ADDRESS, VIRTUAL_PORT } from '../topology.ts';

/** A process may open 20,000 files on some machines; a connection takes two. */
const CONNECTIONS_MAX = 9_000;
/** For splicing; two files each. */
const PIPES_MAX = 500;
const BACKLOG = 4_096;
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';
const LOCALS = Array.from({ length: LIPS_MAX }, (_, i) => `10.0.124.${160 + i}`);
const LISTENERS = [
  { name: 'web', port: VIRTUAL_PORT, serverPort: SERVER_PORT },
  { name: 'bulk', port: EXCHANGE_VIRTUAL_PORT, serverPort: EXCHANGE_SERVER_PORT },
] as const;
const SYSCTLS = [
  'net.ipv4.ip_local_port_range=1024 65535',
  'net.ipv4.tcp_timestamps=2',
  'net.ipv4.tcp_max_tw_buckets=262144',
  `net.core.somaxconn=${BACKLOG}`,
];

/** A thread for each core; what need not pass through user space is spliced. */
export async function startHaproxy(lab: Lab): Promise<void> {
  const folder = await prepareProxy(lab);
  writeFileSync(`${folder}/haproxy.cfg`, haproxyConfig());
  lab.spawn('balancer', ['haproxy', '-db', '-q', '-f', `${folder}/haproxy.cfg`], QUIET);
}

/** A worker for each core, with a listening socket of its own. */
export async function startNginxStream(lab: Lab): Promise<void> {
  const folder = await prepareProxy(lab);
  writeFileSync(`${folder}/nginx.conf`, nginxConfig(folder));
  const argv = ['nginx', '-p', folder, '-c', `${folder}/nginx.conf`, '-e', 'stderr'];
  lab.spawn('balancer', argv, QUIET);
}

/** They end with the namespace. */
const QUIET = { stdio: 'ignore' } as const;

/** Proxies connect from the locals, so the kernel has to own them. */
export async function prepareProxy(lab: Lab): Promise<string> {
  const lines = LOCALS.map((local) => `addr add ${local}/32 dev eth0`).join('\n');
  await lab.run('balancer', ['ip', '-batch', '-'], { input: `${lines}\n` });
  await lab.run('balancer', ['sysctl', '-qw', ...SYSCTLS]);
  return mkdtempSync(`${runFolder(lab.options.instance)}/proxy-`);
}

function haproxyConfig(): string {
  return `global
  nbthread 2
  maxpipes ${PIPES_MAX}
  maxconn ${CONNECTIONS_MAX}
defaults
  mode tcp
  maxconn ${CONNECTIONS_MAX}
  backlog ${BACKLOG}
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option splice-auto
  option tcp-smart-accept
${LISTENERS.map(haproxyListener).join('\n')}
`;
}

function haproxyListener({ name, port, serverPort }: (typeof LISTENERS)[number]): string {
  const server = `${SERVER_ADDRESSES.server1}:${serverPort}`;
  const servers = LOCALS.map((local, i) => `  server ${name}${i} ${server} source ${local}`);
  return `listen ${name}
  bind ${VIRTUAL_ADDRESS}:${port}
  balance roundrobin
${servers.join('\n')}`;
}

function nginxConfig(folder: string): string {
  const share = (100 / LOCALS.length).toFixed(2);
  const shares = LOCALS.map(
    (local, i) => `${i === LOCALS.length - 1 ? '*' : `${share}%`} ${local};`,
  );
  const servers = LISTENERS.map(
    ({ port, serverPort }) =>
      `server { listen ${VIRTUAL_ADDRESS}:${port} reuseport backlog=${BACKLOG};` +
      ` proxy_pass ${SERVER_ADDRESSES.server1}:${serverPort}; proxy_bind $local; }`,
  );
  return `load_module ${STREAM_MODULE};
daemon off; pid ${folder}/nginx.pid; error_log stderr crit; user root;
worker_processes 2;
events { worker_connections ${2 * CONNECTIONS_MAX}; }
stream {
  split_clients "$remote_addr:$remote_port" $local { ${shares.join(' ')} }
  ${servers.join('\n  ')}
}
`;
}
